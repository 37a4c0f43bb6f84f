"""Feedback about one metric, by request id: compact, first row first, forgettable."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence.cohorts import Said
from tfx_rollout.evidence.feedback import Feedback
from tfx_rollout.evidence.metric import CORRECT, Metric
from tfx_rollout.evidence.request_records import identity


class MetricRecords:
    """The rows about one metric in the order of their arrival, 25 bytes a row."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._request_ids: array[int] = array("Q")
        self._arrivals: array[float] = array("d")
        self._values: array[float] = array("d")
        self._valid = bytearray()
        self._forgotten = 0

    def add(self, feedback: Feedback) -> None:
        """Keeps a row if it is about the metric. Of rows that say right or wrong that is the metric `correct`."""
        if self._metric.name == CORRECT:
            value: bool | float | None = feedback.correct if feedback.metric is None else None
        else:
            value = feedback.value if feedback.metric == self._metric.name else None
        if value is None:
            return
        self._request_ids.append(identity(feedback.request_id))
        self._arrivals.append(feedback.at)
        self._values.append(float(value))
        self._valid.append(self._metric.fault(value) is None)

    def of(self, request_ids: npt.NDArray[np.uint64]) -> Said:
        """What the first row about each of these ids says."""
        wanted, which = np.unique(request_ids, return_inverse=True)
        rows = np.full(wanted.size, -1, np.int64)
        if len(self._request_ids) and wanted.size:
            ids = np.frombuffer(self._request_ids, np.uint64)[::-1]
            at = np.minimum(np.searchsorted(wanted, ids), wanted.size - 1)
            hit = wanted[at] == ids
            # Backwards in time, so that the first row overwrites later ones.
            rows[at[hit]] = np.arange(len(ids) - 1, -1, -1)[hit]
        each = rows[which]
        there = each >= 0
        said = Said(np.full(each.shape, np.inf), each + self._forgotten, np.zeros(each.shape), np.zeros(each.shape, np.bool_))
        if there.any():
            found = each[there]
            said.at[there] = np.frombuffer(self._arrivals, np.float64)[found]
            said.value[there] = np.frombuffer(self._values, np.float64)[found]
            said.valid[there] = np.frombuffer(self._valid, np.bool_)[found]
        return said

    def forget(self, before: float) -> None:
        """Drops what arrived before this time (epoch seconds)."""
        gone = bisect_left(self._arrivals, before)
        # Seldom, since what stays is copied.
        if gone > len(self._arrivals) // 2:
            for column in (self._request_ids, self._arrivals, self._values):
                del column[:gone]
            del self._valid[:gone]
            self._forgotten += gone
