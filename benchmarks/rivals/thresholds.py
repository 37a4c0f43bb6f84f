"""Thresholds on points of a minute, as Flagger's and Argo Rollouts' documentation have them.

A minute fails when less than 99 % of the canary's requests succeed, or its p99 is above 1.2 times that of stable. Failed minutes
are counted over the whole rollout, and the fifth rolls back (Flagger's `threshold`, Argo's `failureLimit`). A guard, which
users add themselves, leaves out minutes in which the canary had fewer requests than it asks for.
"""

from __future__ import annotations

import numpy as np

from rivals.rule import Mask, Minutes, quantile_ms
from tfx_rollout.rollout.judge import WindowBatch

SUCCESS = 0.99
P99_RATIO = 1.2
FAILURES = 5


class Thresholds:
    """Five failed minutes roll back."""

    def __init__(self, runs: int, *, min_requests: int = 1) -> None:
        self._failed = np.zeros(runs, np.int64)
        self._minutes = Minutes()
        self._min_requests = min_requests

    def observe(self, batch: WindowBatch) -> Mask:
        minute = self._minutes.add(batch)
        if minute is None:
            return np.zeros(len(self._failed), bool)
        requests, failures, latency = minute
        p99 = quantile_ms(latency, 0.99)
        bad = (requests[:, 0] - failures[:, 0] < SUCCESS * requests[:, 0]) | (p99[:, 0] > P99_RATIO * p99[:, 1])
        self._failed += bad & (requests[:, 0] >= self._min_requests)
        return self._failed >= FAILURES
