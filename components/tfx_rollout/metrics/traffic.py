"""Follows the gateway's access log and tells what was served, per model, track and version."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from tfx_rollout.evidence.access_log_follower import AccessLogFollower, NewLog
from tfx_rollout.evidence.access_log_line import LogLine, emission
from tfx_rollout.metrics.accuracy import Answered, LabelJoin
from tfx_rollout.metrics.cell import Cell, Key
from tfx_rollout.metrics.counted_request import CountedRequest, counted_request
from tfx_rollout.metrics.counters import RequestCounters, TrafficCounters
from tfx_rollout.metrics.label_history import LabelHistory
from tfx_rollout.metrics.query import Traffic, describe
from tfx_rollout.metrics.series import RESOLUTIONS, TimeSeries
from tfx_rollout.model_store import ModelStore

LOOK_BACK_S = 3600.0
"""How far a new reader looks back by default, in seconds."""
MOST_LINES = 2000
"""Lines of the access log that one step reads at most: some 30 ms."""
MODELS_S = 5.0
"""How often it is looked which models there are, in seconds."""


class TrafficMetrics:
    """The metrics of the traffic of a root, in memory. Started anew it reads the last hour of the log again.

    Call `advance` about once a second, in any thread; the other methods may be called from
    other threads meanwhile. Memory is bounded whatever the traffic (see `series`, `accuracy`
    and `counters`).
    """

    def __init__(self, store: ModelStore, *, look_back_s: float = LOOK_BACK_S, now: Callable[[], float] = time.time) -> None:
        self._store, self._now = store, now
        self._started = now()
        self._needed_from = self._complete_from = self._started - look_back_s
        self._counted_until = 0.0
        self.revision = 0
        """Another one whenever something was counted, or became known."""
        self._follower = AccessLogFollower(store.gateway_dir / "access", since=self._needed_from)
        self._lines: Iterator[str | NewLog] = iter(())
        self._series = TimeSeries()
        self._counters = TrafficCounters(self._started)
        self._join = LabelJoin(store, since=self._needed_from)
        self._labels: dict[str, LabelHistory] = {}
        self._models: list[str] = []
        self._models_at = -MODELS_S
        self._lock = threading.Lock()

    def advance(self) -> bool:
        """Reads what is new, for some 50 ms at most; whether there is more to read. Raises `StorageFault`."""
        with self._lock:
            if self._now() >= self._models_at + MODELS_S or self._now() < self._models_at:
                self._models, self._models_at = self._store.models(), self._now()
            for history in self._labels.values():
                history.refresh()
            self.revision += 1
            more_lines = self._read_log()
            arrived, more_rows = self._join.read(self._models)
            for model, times in arrived.items():
                self._counters.feedback(model, sum(at >= self._started for at in times))
            for judged in self._join.judge(self._counted_until):
                at, key = judged.answered
                self._series.add(at, key, Cell(labelled=1, correct=int(judged.correct)))
                self._counters.judge(judged.arrived, key, judged.correct)
            self._series.prune(self._counted_until)
            return more_lines or more_rows or self._join.is_due(self._counted_until)

    def query(self, model: str, since: float, until: float, step: float | None = None) -> Traffic:
        """The traffic of a model that ended from `since` to `until` (epoch seconds), in steps of some seconds.

        Without a `step` there are some hundred. Raises `InvalidInput` for what is no span. A
        model that had no request has no series.
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

    def counters(self) -> tuple[Mapping[Key, RequestCounters], Mapping[str, int]]:
        """What was counted since the start: of each kind of request, and the rows of feedback of each model."""
        with self._lock:
            return self._counters.snapshot()

    @property
    def counted_until(self) -> float:
        """Up to when the access log was read (epoch seconds); 0 before its first line.

        The gateway writes four lines a second, whether there is traffic or not.
        """
        return self._counted_until

    def _read_log(self) -> bool:
        read = 0
        for _ in range(2):
            for line in itertools.islice(self._lines, MOST_LINES - read):
                read += 1
                if isinstance(line, str):
                    self._take(line)
            if read == MOST_LINES:
                return True
            self._lines = self._follower.read()
        return False

    def _take(self, line: str) -> None:
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
        version = self._version_at_fault(request) if request.version is None else request.version
        key = Key(request.model, request.track, version, request.protocol)
        self._series.count(request.ended, key, request.code, request.duration_us)
        self._counters.count(request.ended, key, request.code, request.duration_us)
        if request.code == "OK" and request.request_id is not None:
            width = RESOLUTIONS[0].width
            self._join.answered(request.request_id, Answered(request.ended // width * width, key))

    def _version_at_fault(self, request: CountedRequest) -> int | None:
        """The version that the label of the request's track named then: no answer says which one it was."""
        history = self._labels.get(request.model)
        if history is None:
            history = self._labels[request.model] = LabelHistory(self._store.model(request.model))
            history.refresh()
        return history.version(request.served_by, request.ended)
