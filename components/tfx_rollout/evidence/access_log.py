"""Evidence from the gateway's access log.

Why the horizon is exact (for one worker thread of Envoy). Its lines go through one buffer
into one file in the order in which they are written, each with the time at which that
was. So once a line of time L is read, every line written before L has been read too. The
gateway calls itself every `HEARTBEAT_S`, so there is always such a line soon, and a
gateway that stands still holds the horizon back instead of hiding requests. A request that
started at s and was answered within `waiting_s` has its line before s + `waiting_s`, give or
take `LOOP_S` in which the event loop comes round to write it. One that takes longer has a
line of progress. Hence everything that started before L − `waiting_s` − `LOOP_S` is known:
answered, or to be counted as unanswered.

Where that reasoning fails there is a gap (see `coverage`): the gateway started anew, lines
were lost, no line was written for seconds, or the clock jumped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence.access_log_follower import AccessLogFollower, NewLog
from tfx_rollout.evidence.access_log_line import LogLine, drawn_request, emission
from tfx_rollout.evidence.counting import count_tracks
from tfx_rollout.evidence.coverage import Coverage
from tfx_rollout.evidence.needs import Unit
from tfx_rollout.evidence.prediction_log import PredictionLog
from tfx_rollout.evidence.request_records import KeptRequest, RequestRecords, identity, microseconds
from tfx_rollout.evidence.source import IntervalCounts
from tfx_rollout.evidence.units import UserMemory, count_requests, slot_start, with_units_of_originals
from tfx_rollout.gateway.log_format import HEARTBEAT_S, PROGRESS_S
from tfx_rollout.traffic import Track

LOOP_S = 0.1
"""How much later than a request's end Envoy's event loop may write its line, in seconds."""
KEEP_S = 7200.0
"""What nobody has forgotten by then is forgotten by itself, in seconds of log time; no window may be longer."""
COPY_S = 1.0
"""How much later than its original a copy may start, in seconds."""
LOOK_BACK_S = 60.0
"""How far a new source looks back by default: what was logged before is passed over at a fraction of the cost."""


class AccessLogSource:
    """`EvidenceSource` over the folder of access logs that a `Gateway` writes.

    Not for use by several threads at once. Reading long logs is spread over several calls:
    the horizon tells how far it has come.
    """

    def __init__(
        self,
        folder: Path,
        *,
        waiting_s: float = 5.0,
        spacing_s: float = 0.1,
        unit: Unit = "request",
        model: str | None = None,
        since: float | None = None,
        keep_s: float = KEEP_S,
        predictions: PredictionLog | None = None,
    ) -> None:
        """`waiting_s`: how long a request may take before it counts as unanswered. `spacing_s`, `unit`: see `units`.

        `model`: the one whose requests are kept, by default those of all. `since`: from
        when on (epoch seconds) requests matter, by default `LOOK_BACK_S` ago; intervals
        that begin earlier are gaps. `predictions`: where what was predicted is read from.
        """
        if not 2 * PROGRESS_S <= waiting_s < keep_s:
            raise InvalidInput(
                f"A waiting time of {waiting_s:g} s for answers is not between {2 * PROGRESS_S:g} s and the {keep_s:g} s kept."
            )
        if unit == "user" and model is None:
            raise InvalidInput("Users can be counted for one model only; give its name.")
        self._waiting_s, self._spacing_us, self._keep_s = waiting_s, microseconds(spacing_s), keep_s
        self._model, self._predictions = model, predictions
        self._complete_from = time.time() - LOOK_BACK_S if since is None else since
        self._margin_s = max(spacing_s, COPY_S)
        """How much longer requests are kept than they are counted: for slots of time, and for copies."""
        self._needed_from = self._complete_from - self._margin_s
        # The first line read must lie before that, which a heartbeat or two ensures.
        self._follower = AccessLogFollower(folder, since=self._needed_from - 4 * HEARTBEAT_S)
        self._records = RequestRecords()
        self._records.forget(self._needed_from)
        self._users = UserMemory() if unit == "user" else None
        self._open: dict[str, tuple[str, KeptRequest]] = {}
        self._coverage = Coverage(lag_s=waiting_s + LOOP_S, slack_s=LOOP_S)
        self._promised = 0.0
        """The furthest horizon that was ever told: the clock may have been set back since."""

    def set_stages(self, openings: Sequence[float]) -> None:
        """When the stages of the rollout so far opened (epoch seconds); users are counted by the stage."""
        if self._users is not None:
            self._users.set_stages([microseconds(at) for at in openings])

    def horizon(self) -> float:
        """Up to when (epoch seconds) intervals may be closed; 0 before the gateway's first line.

        It goes back only where the clock was set back.
        """
        self._read()
        self._promised = max(self._promised, self._coverage.horizon)
        return self._coverage.horizon

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        """Counts of the drawn requests that started in `[start, end)`.

        A gap where the log does not tell of the whole interval. `ValueError` when `end`
        lies past the horizon.
        """
        if end > self.horizon() and end > self._promised:
            raise ValueError(f"the interval ends at {end:f}, past the horizon at {self._coverage.horizon:f}")
        start_us, end_us = microseconds(start), microseconds(end)
        requests = self._of_interval(model, start_us, end_us)
        if self._users is None:
            before = slot_start(start_us, self._spacing_us)
            units = count_requests((*self._kept(model, before, start_us), *requests), start_us, self._spacing_us)
        else:
            self._learn(end_us)
            units = self._users.count(requests, start_us)
        predictions = {} if self._predictions is None else self._predictions.count(self._comparable(requests, end_us))
        return IntervalCounts(count_tracks(requests, units, predictions), gap=not self.complete(start, end))

    def drawn(self, model: str, start: float, end: float) -> list[KeptRequest]:
        """The drawn requests one by one that started in `[start, end)`; those of a gap as far as they are known."""
        return list(self._kept(model, microseconds(start), microseconds(end)))

    def answered(self, model: str, start: float, end: float) -> dict[Track, list[KeptRequest]]:
        """The well answered requests by track whose predictions may be compared: one of each id and, where users
        are the unit, the first of each user in the stage."""
        found: dict[Track, dict[int, KeptRequest]] = {}
        end_us = microseconds(end)
        for request in self._comparable(self._of_interval(model, microseconds(start), end_us), end_us):
            if request.request_id and not request.failed:
                found.setdefault(request.track, {}).setdefault(request.request_id, request)
        return {track: list(by_id.values()) for track, by_id in found.items()}

    def complete(self, start: float, end: float) -> bool:
        """Whether all that started in `[start, end)` is known."""
        return start >= self._complete_from and self._coverage.covers(start, end)

    def forget(self, before: float) -> None:
        """Frees what started before this time (epoch seconds); counts of earlier intervals are gaps from now on."""
        if self._users is not None:
            before = min(before, self._coverage.horizon)
            self._learn(microseconds(before))
        self._complete_from = max(self._complete_from, before)
        needed_from = self._complete_from - self._margin_s
        self._records.forget(needed_from)
        self._open = {stream: kept for stream, kept in self._open.items() if kept[1].start_us >= needed_from * 1e6}
        self._coverage.forget(needed_from)
        if self._predictions is not None:
            self._predictions.forget(before)

    def _kept(self, model: str, start_us: int, end_us: int) -> Iterator[KeptRequest]:
        yield from self._records.within(model, start_us, end_us)
        for owner, request in self._open.values():
            if owner == model and start_us <= request.start_us < end_us:
                yield request

    def _of_interval(self, model: str, start_us: int, end_us: int) -> list[KeptRequest]:
        """What started in an interval. A copy has no user of its own, but that of its original."""
        requests = list(self._kept(model, start_us, end_us))
        if self._users is None:
            return requests
        return with_units_of_originals(requests, self._kept(model, start_us - microseconds(COPY_S), end_us))

    def _comparable(self, requests: Sequence[KeptRequest], end_us: int) -> Iterable[KeptRequest]:
        """Those of an interval's requests whose predictions are drawn one by one; it ends at `end_us`."""
        if self._users is None:
            return requests
        self._learn(end_us)
        return self._users.firsts(requests)

    def _learn(self, until_us: int) -> None:
        assert self._users is not None
        assert self._model is not None
        if until_us <= self._users.learned_to_us:
            return
        self._users.learn(self._of_interval(self._model, self._users.learned_to_us, until_us), until_us)

    def _read(self) -> None:
        mine = "" if self._model is None else f" {self._model}~"
        for item in self._follower.read():
            if isinstance(item, NewLog):
                self._coverage.lost()
                # Their ends were never written; their intervals are gaps.
                self._open.clear()
            elif (emitted := emission(item)) is not None:
                if self._coverage.heard(emitted):
                    # What is left of it would be taken for what starts now.
                    self._records.forget_from(emitted)
                    self._open.clear()
                    if self._users is not None:
                        self._users.learn_again_from(microseconds(emitted))
                # What is logged before that time also started before it.
                if emitted >= self._needed_from and mine in item and (line := LogLine.parse(item)) is not None:
                    self._take(line)
        horizon = self._coverage.horizon
        if horizon - self._keep_s > self._complete_from + 1:
            self.forget(math.floor(horizon - self._keep_s))
        if self._predictions is not None:
            self._predictions.read()

    def _take(self, line: LogLine) -> None:
        if line.ended:
            self._open.pop(line.stream, None)
        if line.start > line.emitted + LOOP_S:
            return  # it started before the clock was set back, and would be counted at another time
        drawn = drawn_request(line, waiting_s=self._waiting_s)
        if drawn is None:
            return
        kept = KeptRequest(
            drawn.track,
            microseconds(drawn.start),
            drawn.code,
            drawn.latency_us,
            identity(drawn.request_id),
            identity(drawn.unit),
        )
        if drawn.open:
            self._open[line.stream] = (drawn.model, kept)
        else:
            self._records.add(drawn.model, kept)
