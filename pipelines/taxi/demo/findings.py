"""What the recorded answers prove: who failed, and whether every version that answered was allowed to. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx_rollout.traffic import Track
from tfx_rollout.traffic.consistency import allowed_versions


@dataclass(frozen=True)
class Findings:
    """Counts over all recorded answers.

    `exposed` are the requests sent, to any track, while the harmful version was the canary;
    `harmed` are failures of requests that only the harmful version can have answered;
    `unexplained` are all other failures. `inconsistent` are answers by a version that the
    desired state did not allow on that track at that time.
    """

    requests: int
    attributed: int
    exposed: int
    harmed: int
    unexplained: Sequence[Mapping[str, Any]]
    inconsistent: Sequence[Mapping[str, Any]]

    @property
    def harmed_share(self) -> float:
        """Share of the requests that were harmed, of those sent while the harmful version was the canary."""
        return self.harmed / self.exposed if self.exposed else 0.0


def judge_answers(answers: Iterable[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], harmful: int) -> Findings:
    """Hold every answer against the history of desired states. `harmful` is the version that may fail."""
    requests = attributed = exposed = harmed = 0
    unexplained, inconsistent = [], []
    allowed_at = _Allowed(history)
    for answer in answers:
        requests += 1
        track = Track(answer["track"]) if answer["track"] in {str(t) for t in Track} else None
        until = answer["at"] + answer["latency_ms"] / 1000
        allowed = allowed_at(track, answer["at"], until) if track else set()
        exposed += allowed_at(Track.CANARY, answer["at"], until) == {harmful}
        if answer["version"] is not None:
            attributed += 1
            if answer["version"] not in allowed:
                inconsistent.append(answer)
        if answer["code"] != "OK":
            if allowed == {harmful}:
                harmed += 1
            else:
                unexplained.append(answer)
    return Findings(requests, attributed, exposed, harmed, unexplained, inconsistent)


class _Allowed:
    """`allowed_versions`, answered from a table between two changes of the history: it is asked for every request."""

    def __init__(self, history: Sequence[Mapping[str, Any]]) -> None:
        self._history = history
        self._changes = sorted(record["at"] for record in history)
        self._known: dict[tuple[Track, int], set[int]] = {}

    def __call__(self, track: Track, at: float, until: float) -> set[int]:
        before = bisect_right(self._changes, at)
        if bisect_right(self._changes, until) != before:
            return allowed_versions(self._history, track, at, until=until)
        key = (track, before)
        if key not in self._known:
            self._known[key] = allowed_versions(self._history, track, at, until=until)
        return self._known[key]
