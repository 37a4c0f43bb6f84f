"""Metrics of the traffic."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tfx_rollout.control.documents import Traffic
from tfx_rollout.control.local.part import Part
from tfx_rollout.control.local.traffic_documents import traffic_document

if TYPE_CHECKING:
    from tfx_rollout.metrics import TrafficMetrics

DEFAULT_SPAN_S = 900.0
LEAST_MARGIN_S = 10.0


class TrafficPart(Part):
    """The method of `Control` about traffic."""

    _metrics: TrafficMetrics | None

    def traffic(
        self, model: str, *, since: float | None = None, until: float | None = None, step: float | None = None
    ) -> Traffic:
        self._root.files(model)
        now = time.time()
        end = now if until is None else until
        begin = end - DEFAULT_SPAN_S if since is None else since
        # The span is widened to whole steps, of which there are some hundred.
        margin = max(LEAST_MARGIN_S, step or (end - begin) / 50)
        found = self._metrics or self._read_from_disk(now - begin + margin)
        return traffic_document(found.query(model, begin, end, step))

    def _read_from_disk(self, look_back_s: float) -> TrafficMetrics:
        """Metrics that are counted from the access log for this question alone."""
        from tfx_rollout.metrics import TrafficMetrics

        counted = TrafficMetrics(self._root.store, look_back_s=max(0.0, look_back_s))
        while counted.advance():
            continue
        return counted
