"""Labels by request id and time of arrival: compact, first row first, forgettable."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfx_rollout.evidence.feedback import Feedback
from tfx_rollout.evidence.request_records import identity

_NONE = -1


class KeptLabel(NamedTuple):
    """What is known of one request: when that arrived, whether its answer was right, and the true label as text."""

    at: float
    correct: bool | None
    label: str | None


class LabelRecords:
    """Feedback in the order of its arrival, 21 bytes a row."""

    def __init__(self) -> None:
        self._request_ids: array[int] = array("Q")
        self._arrivals: array[float] = array("d")
        self._correct: array[int] = array("b")
        self._labels: array[int] = array("i")
        self._texts: dict[str, int] = {}
        self._names: list[str] = []

    @property
    def latest(self) -> float:
        """When the last row arrived (epoch seconds); 0 without any."""
        return self._arrivals[-1] if self._arrivals else 0.0

    def add(self, feedback: Feedback) -> None:
        """Keeps one row, which arrived no earlier than those before it."""
        self._request_ids.append(identity(feedback.request_id))
        self._arrivals.append(feedback.at)
        self._correct.append(_NONE if feedback.correct is None else feedback.correct)
        self._labels.append(_NONE if feedback.label is None else self._text_index(feedback.label))

    def of(self, request_ids: Sequence[int], *, before: float) -> list[KeptLabel | None]:
        """The first row about each of these ids, if it arrived before this time (epoch seconds)."""
        wanted, places = np.unique(np.array(request_ids, np.uint64), return_inverse=True)
        rows = np.full(len(wanted), _NONE, np.int64)
        arrived = bisect_left(self._arrivals, before)
        if arrived and len(wanted):
            ids = np.frombuffer(self._request_ids, np.uint64, arrived)[::-1]
            at = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
            hit = wanted[at] == ids
            # Backwards in time, so that the first row overwrites later ones.
            rows[at[hit]] = np.arange(arrived - 1, -1, -1)[hit]
        return [None if row == _NONE else self._kept(int(row)) for row in rows[places]]

    def forget(self, before: float) -> None:
        """Drops what arrived before this time (epoch seconds)."""
        gone = bisect_left(self._arrivals, before)
        # Seldom, since what stays is copied.
        if gone > len(self._arrivals) // 2:
            for column in (self._request_ids, self._arrivals, self._correct, self._labels):
                del column[:gone]

    def _kept(self, row: int) -> KeptLabel:
        correct, label = self._correct[row], self._labels[row]
        return KeptLabel(
            self._arrivals[row], None if correct == _NONE else bool(correct), None if label == _NONE else self._names[label]
        )

    def _text_index(self, text: str) -> int:
        if text not in self._texts:
            self._texts[text] = len(self._names)
            self._names.append(text)
        return self._texts[text]
