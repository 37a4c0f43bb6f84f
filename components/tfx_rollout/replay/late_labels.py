"""Labels that arrive later than the answers, as they do in life: by a click, a complaint, a bill."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import InvalidInput, StorageFault
from tfx_rollout.evidence.feedback import is_correct
from tfx_rollout.evidence.prediction_log import prediction_text
from tfx_rollout.replay.predicted import Value
from tfx_rollout.replay.rows import Row

Feedback = Mapping[str, Any]
"""A row as `evidence.feedback` takes it in: `request_id`, `label`, and `prediction` where the answer told a comparable one."""


@dataclass(frozen=True)
class LateLabels:
    """Each row's `column` holds the true label; `after_s` seconds after its answer it goes to `deliver`, with others due.

    That happens every `every_s` seconds. `deliver` raises an error of this package where it cannot.
    """

    column: str
    after_s: float
    deliver: Callable[[Sequence[Feedback]], None]
    every_s: float = 5.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.after_s) and self.after_s >= 0):
            raise InvalidInput(f"Labels cannot be given {self.after_s:g} s after the answers; give 0 or more seconds.")

    def check(self, rows: Sequence[Row]) -> None:
        """`InvalidInput` when no row has a label, or one that is neither a text nor a number."""
        labels = [row[self.column] for row in rows if row.get(self.column) is not None]
        if not labels:
            raise InvalidInput(f"No row has a label in column {self.column!r}; name the column that has the true labels.")
        strange = next((label for label in labels if prediction_text(label) is None), None)
        if strange is not None:
            raise InvalidInput(f"A label in column {self.column!r} is neither a text nor a number: {json.dumps(strange)[:80]}.")


class LabelQueue:
    """Labels between an answer and their delivery, in the order in which they are due."""

    def __init__(self, labels: LateLabels, rows: Sequence[Row]) -> None:
        self._labels, self._rows = labels, rows
        self._waiting: deque[tuple[float, Feedback]] = deque()
        self.given = 0

    @property
    def left(self) -> int:
        """How many labels are not delivered yet."""
        return len(self._waiting)

    def answered(self, request_id: str, row: int, prediction: Value | None) -> None:
        """Begins the waiting for the label of a request that was answered just now, if its row has one."""
        label = self._rows[row].get(self._labels.column)
        if label is None:
            return
        feedback = {"request_id": request_id, "label": label}
        said, truth = prediction_text(prediction), prediction_text(label)
        if said is not None and truth is not None and is_correct(said, truth) is not None:
            feedback["prediction"] = prediction
        self._waiting.append((time.monotonic() + self._labels.after_s, feedback))

    async def deliver_until(self, over: Callable[[], bool]) -> None:
        """Delivers what falls due until `over` says so; errors of the delivery come out here."""
        delivered = time.monotonic()
        while not over():
            # Looks more often than it delivers, so that the end is seen soon.
            await asyncio.sleep(min(0.1, self._labels.every_s))
            if time.monotonic() - delivered >= self._labels.every_s:
                self._deliver_due()
                delivered = time.monotonic()
        self._deliver_due()

    def _deliver_due(self) -> None:
        now = time.monotonic()
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(self._waiting.popleft()[1])
        if due:
            self._labels.deliver(due)
            self.given += len(due)


class FeedbackFile:
    """Appends feedback to a file, one JSON object a line; `StorageFault` when the disk refuses, first when it is made."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self([])

    def __call__(self, feedback: Sequence[Feedback]) -> None:
        """Appends these lines, whole."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_lines(feedback))
        except OSError as error:
            raise _refused(self._path, error) from error


class FeedbackFolder:
    """Puts feedback into a watched folder, a whole file each time (`evidence.feedback_inbox`); `StorageFault` as above."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` must be no other's: the files are called by it and a number."""
        self._path, self._name, self._number = path, name, 0
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(path, error) from error

    def __call__(self, feedback: Sequence[Feedback]) -> None:
        """Puts these lines there."""
        self._number += 1
        file = self._path / f"{self._name}-{self._number:06d}.jsonl"
        draft = file.with_suffix(".draft")
        try:
            draft.write_text(_lines(feedback), encoding="utf-8")
            draft.rename(file)
        except OSError as error:
            raise _refused(file, error) from error


def _lines(feedback: Sequence[Feedback]) -> str:
    return "".join(json.dumps(line) + "\n" for line in feedback)


def _refused(path: Path, error: OSError) -> StorageFault:
    return StorageFault(str(path), f"cannot be written ({error.strerror})", "choose another place or free space")
