"""Closing windows: what the sources of evidence say about the next stretch of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tfx_rollout.evidence import EvidenceSource, Window
from tfx_rollout.evidence.label_strata import PastWindow, collect, due, past_windows
from tfx_rollout.evidence.labels import LabelSource
from tfx_rollout.rollout import segments
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import Segment


class WindowCloser:
    """Closes the windows of one rollout, one after the other; each has to be `recorded` before the next one.

    It remembers which windows' labels are still to come. `past` has the windows that were recorded before, so
    that a new one, after a crash, closes the next window as the old one would have.
    """

    def __init__(
        self, model: str, plan: Plan, source: EvidenceSource, labels: LabelSource | None, past: Sequence[Window]
    ) -> None:
        self._model, self._plan, self._source = model, plan, source
        self._labels = labels if "accuracy" in plan.weights() else None
        self._past: list[PastWindow] = past_windows(past)

    def close(self, number: int, segment: Segment, judged_until: float, until: float | None) -> Window | None:
        """The next window; None while it cannot be closed. `until` is the end of the segment, if it has ended."""
        horizon, seconds = self._horizon(), self._plan.window_seconds
        interval = segments.next_interval(segment, judged_until, until, seconds=seconds, horizon=horizon)
        if interval is None:
            return None
        counts = self._source.counts(self._model, interval.start, interval.end)
        if counts.gap and until is not None and interval.end < until:
            # The gateway went down in it, and was down until another split came in force: one void window tells that.
            if until > horizon:
                return None
            interval = segments.Interval(interval.start, until, "gap")
            counts = self._source.counts(self._model, interval.start, interval.end)
        return self._with_labels(segments.window_of(number, interval, segment, counts))

    def recorded(self, window: Window) -> None:
        """Says that this window is on record: its labels are still to come, those that it has are not asked for again."""
        if not window.void:
            oldest = window.end - self._plan.accuracy.ages[-1]
            self._past = [past for past in self._past if past.end > oldest] + past_windows([window])

    def _horizon(self) -> float:
        horizon = self._source.horizon()
        return horizon if self._labels is None else min(horizon, self._labels.horizon())

    def _with_labels(self, window: Window) -> Window:
        """The window with the labels that fell due since the last one that counts; a void one leaves them to the next."""
        if self._labels is None or window.void or not self._past:
            return window
        strata = due(self._past, self._plan.accuracy.ages, after=self._past[-1].end, until=window.end)
        labels, missing, pairs = collect(self._labels, self._model, strata)
        return replace(window, labels=labels, missing_labels=missing, pairs=pairs)
