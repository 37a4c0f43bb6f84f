"""Follows the gateway's access log and tells what was served, per model, track and version."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator

from tfx_rollout.evidence.access_log_follower import AccessLogFollower, NewLog
from tfx_rollout.evidence.access_log_line import LogLine, emission
from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.counted_request import CountedRequest, counted_request
from tfx_rollout.metrics.label_history import LabelHistory
from tfx_rollout.metrics.query import Traffic, describe
from tfx_rollout.metrics.series import TimeSeries
from tfx_rollout.model_store import ModelStore

LOOK_BACK_S = 3600.0
"""How far a new reader looks back by default, in seconds."""
MOST_LINES = 2000
"""Lines that one step reads at most: some 20 ms."""


class TrafficMetrics:
    """The metrics of the traffic of a root, in memory. Started anew it reads back in the log.

    Call `advance` about once a second, in any thread; `query` may be called in another one.
    Memory is bounded whatever the traffic (see `series`).
    """

    def __init__(self, store: ModelStore, *, look_back_s: float = LOOK_BACK_S, now: Callable[[], float] = time.time) -> None:
        self._store, self._now = store, now
        self._needed_from = self._complete_from = now() - look_back_s
        self._counted_until = 0.0
        self._follower = AccessLogFollower(store.gateway_dir / "access", since=self._needed_from)
        self._lines: Iterator[str | NewLog] = iter(())
        self._series = TimeSeries()
        self._labels: dict[str, LabelHistory] = {}
        self._lock = threading.Lock()

    def advance(self) -> bool:
        """Reads what is new, for some 20 ms at most; whether there is more to read."""
        with self._lock:
            for history in self._labels.values():
                history.refresh()
            read = sum(1 for _ in map(self._take, itertools.islice(self._lines, MOST_LINES)))
            if read < MOST_LINES:
                self._lines = self._follower.read()
                read += sum(1 for _ in map(self._take, itertools.islice(self._lines, MOST_LINES - read)))
            self._series.prune(self._counted_until)
            return read == MOST_LINES

    def query(self, model: str, since: float, until: float, step: float | None = None) -> Traffic:
        """The traffic of a model that ended from `since` to `until` (epoch seconds), in steps of some seconds.

        Raises `InvalidInput` for what is no span. A model that had no request has no series.
        """
        with self._lock:
            span = self._series.span(since, until, step, self._now())
            return describe(
                model,
                self._series.within(model, span),
                since=span.since,
                until=span.until,
                step=span.step,
                complete_from=max(self._complete_from, span.kept_from),
                counted_until=self._counted_until,
            )

    def _take(self, line: str | NewLog) -> None:
        if isinstance(line, NewLog):
            return
        emitted = emission(line)
        if emitted is None or emitted < self._needed_from:
            return
        if not self._counted_until:
            self._complete_from = max(self._complete_from, emitted)
        self._counted_until = emitted
        parsed = LogLine.parse(line)
        request = None if parsed is None else counted_request(parsed)
        if request is not None:
            self._count(request)

    def _count(self, request: CountedRequest) -> None:
        version = request.version
        if version is None:
            history = self._labels.get(request.model)
            if history is None:
                history = self._labels[request.model] = LabelHistory(self._store.model(request.model))
                history.refresh()
            version = history.version(request.served_by, request.ended)
        self._series.count(
            request.ended, Key(request.model, request.track, version, request.protocol), request.code, request.duration_us
        )
