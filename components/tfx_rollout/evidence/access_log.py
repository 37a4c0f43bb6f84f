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
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence.access_log_follower import AccessLogFollower, NewLog
from tfx_rollout.evidence.access_log_line import DrawnRequest, LogLine, drawn_request, emission
from tfx_rollout.evidence.request_records import RequestRecords
from tfx_rollout.evidence.source import IntervalCounts
from tfx_rollout.evidence.window import TrackCounts
from tfx_rollout.gateway.log_format import HEARTBEAT_S, PROGRESS_S

LOOP_S = 0.1
"""How much later than a request's end Envoy's event loop may write its line, in seconds."""
KEEP_S = 7200.0
"""What nobody has forgotten by then is forgotten by itself, in seconds of log time; no window may be longer."""

LOOK_BACK_S = 60.0
"""How far a new source looks back by default: what was logged before is passed over at a fraction of the cost."""


class AccessLogSource:
    """`EvidenceSource` over the folder of access logs that a `Gateway` writes.

    `waiting_s`: how long a request may take before it counts as unanswered. `since`: from
    when on (epoch seconds) requests matter, by default `LOOK_BACK_S` ago; intervals that
    begin earlier are gaps. Not for use by several threads at once.
    """

    def __init__(self, folder: Path, *, waiting_s: float = 5.0, since: float | None = None, keep_s: float = KEEP_S) -> None:
        if not 2 * PROGRESS_S <= waiting_s < keep_s:
            raise InvalidInput(
                f"A waiting time of {waiting_s:g} s for answers is not between {2 * PROGRESS_S:g} s and the {keep_s:g} s kept."
            )
        self._waiting_s, self._keep_s = waiting_s, keep_s
        self._since = time.time() - LOOK_BACK_S if since is None else since
        # The first line read must lie before that, which a heartbeat or two ensures.
        self._follower = AccessLogFollower(folder, since=self._since - 4 * HEARTBEAT_S)
        self._records = RequestRecords()
        self._records.forget(self._since)
        self._open: dict[str, DrawnRequest] = {}
        self._spans: list[tuple[float, float]] = []
        """Of each log, from when to when (of writing) all of its lines are known; the last one grows."""
        self._fresh = False
        self._horizon = 0.0

    def horizon(self) -> float:
        """Up to when (epoch seconds) intervals may be closed; 0 before the gateway's first line."""
        self._read()
        return self._horizon

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        """Counts of the drawn requests that started in `[start, end)`.

        A gap where the gateway did not run throughout the interval, or where its records
        are gone. `ValueError` when `end` lies past the horizon.
        """
        self._read()
        if end > self._horizon:
            raise ValueError(f"the interval ends at {end:f}, past the horizon at {self._horizon:f}")
        tracks = self._records.counts(model, start, end)
        for request in self._open.values():
            if request.model == model and start <= request.start < end:
                one = TrackCounts(1, 1, 1, {request.code: 1})
                tracks[request.track] = tracks.get(request.track, TrackCounts()) + one
        return IntervalCounts(tracks, gap=not self._covered(start, end))

    def forget(self, before: float) -> None:
        """Frees what started before this time (epoch seconds); counts of earlier intervals are gaps from now on."""
        self._records.forget(before)
        self._open = {stream: request for stream, request in self._open.items() if request.start >= before}
        newest = self._spans[-1:]
        self._spans = [span for span in self._spans[:-1] if span[1] >= before] + newest

    def _covered(self, start: float, end: float) -> bool:
        if start < self._records.forgotten_before:
            return False
        return any(first <= start and end <= self._known_to(last) for first, last in self._spans)

    def _known_to(self, written: float) -> float:
        return written - self._waiting_s - LOOP_S

    def _read(self) -> None:
        for item in self._follower.read():
            if isinstance(item, NewLog):
                self._fresh = True
                # Their ends were never written; their intervals are gaps.
                self._open.clear()
            elif (emitted := emission(item)) is not None:
                self._extend(emitted)
                # What is logged before that time also started before it.
                if emitted >= self._since and (line := LogLine.parse(item)) is not None:
                    self._take(line)
        if self._spans:
            last = self._spans[-1][1]
            self._horizon = max(self._horizon, self._known_to(last))
            if last - self._keep_s > self._records.forgotten_before + 1:
                self.forget(math.floor(last - self._keep_s))

    def _extend(self, emitted: float) -> None:
        if self._fresh:
            self._spans.append((emitted, emitted))
            self._fresh = False
        first, last = self._spans[-1]
        self._spans[-1] = (first, max(last, emitted))

    def _take(self, line: LogLine) -> None:
        if line.ended:
            self._open.pop(line.stream, None)
        request = drawn_request(line, waiting_s=self._waiting_s)
        if request is None:
            return
        if request.open:
            self._open[line.stream] = request
        else:
            self._records.add(request.model, request.track, request.start, request.code, request.latency_us)
