"""Which versions may answer a request, judged from the history of desired states. Pure.

While a generation is being applied both the state before it and the state after it are
legitimate; once it is applied, only it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.track import LABEL_OF, Track


def allowed_versions(history: Iterable[Mapping[str, Any]], track: Track, at: float, *, until: float | None = None) -> set[int]:
    """The versions that may answer a request on `track` that started at `at` and was answered by `until`.

    These are the versions that the track's label names in any generation from the last one
    that was applied by `at` up to the newest one written by `until` (both in seconds since
    the epoch; without `until` the answer is taken to have come at once). On the track
    `pinned` the client chose, so every version held in one of these generations may answer.

    `history` has the records of the model's `history.jsonl`, in their order: `desired`
    records carry a `DesiredState` and the time `at` of its writing, `applied` records a
    `generation` and the time `at` from which it was known to be in force.
    """
    end = at if until is None else max(at, until)
    applied, written = 0, []
    for record in history:
        if record["event"] == "applied" and record["at"] <= at:
            applied = max(applied, record["generation"])
        elif record["event"] == "desired" and record["at"] <= end:
            written.append(DesiredState.from_json(record))
    current = [state for state in written if state.generation >= applied]
    if track is Track.PINNED:
        return {version for state in current for version in state.versions}
    label = LABEL_OF[track]
    return {state.labels[label] for state in current if label in state.labels}
