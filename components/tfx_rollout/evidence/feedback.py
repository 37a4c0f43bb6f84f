"""Feedback: whether predictions were right, or a metric of the owner's choice, told by request id, and kept.

    <base>/.rollout/feedback/<ms>.jsonl      parts, named by when the first row of each arrived

A row says of one request that its prediction was right or wrong, what the true label is, or what a metric was:

    {"request_id": "d7ad2fbe-…", "correct": true}
    {"request_id": "d7ad2fbe-…", "label": 1}
    {"request_id": "d7ad2fbe-…", "label": 1, "prediction": 0}
    {"request_id": "d7ad2fbe-…", "metric": "conversion", "value": true}
    {"request_id": "d7ad2fbe-…", "metric": "rating", "value": 4}

Without the prediction a label counts where the model server logs predictions. A row is kept
with the time of its arrival, stamped under the lock of the base path and never going back, so
that who counts again counts the same. The first row of an id counts, of each metric the first.

Metrics are what A/B tests are judged by; a rollout's accuracy knows nothing of them. While a test runs whose metric a row is
about, a value that is none of it is refused (`expected_metrics`).

The true label of a batch is that of its first row, which stands for the request (see
`prediction_log`). Right or wrong is the answer that the client got: whether the copy for a
shadow was right can be told from a label only.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState, InvalidInput
from tfx_rollout.evidence.expected_metrics import expected_metrics
from tfx_rollout.evidence.known_subjects import known_subjects
from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.evidence.metric import CORRECT, Metric
from tfx_rollout.evidence.prediction_log import prediction_text
from tfx_rollout.model_store import BasePath, append_lines, make_folder, storage_faults

PART_BYTES = 16 * 1024 * 1024
KEEP_S = 14 * 24 * 3600.0
"""Parts that were last written longer ago are removed, in seconds."""
MOST_FAULTS = 20
"""Of a batch with more faults the first so many are told."""
MOST_CHARACTERS = 1000
"""Of a label or a prediction."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METRIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FIELDS = {"request_id", "correct", "label", "prediction", "metric", "value"}


@dataclass(frozen=True)
class Feedback:
    """What one row says, and when it arrived (epoch seconds): whether the answer was right, the true label as text, or both;
    or the value of a metric."""

    request_id: str
    at: float
    correct: bool | None = None
    label: str | None = None
    metric: str | None = None
    value: bool | float | None = None

    @property
    def subject(self) -> tuple[str, str | None]:
        """What the row is about: of one subject the first row counts."""
        return self.request_id, self.metric

    def to_json(self) -> dict[str, Any]:
        told = {"correct": self.correct, "label": self.label, "metric": self.metric, "value": self.value}
        return {"id": self.request_id, "at": self.at, **{name: value for name, value in told.items() if value is not None}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Feedback:
        names = ("correct", "label", "metric", "value")
        return cls(data["id"], data["at"], *(data.get(name) for name in names))


@dataclass(frozen=True)
class Appended:
    """How many rows were new, and how many were about an id (and a metric) of which a row was there already."""

    new: int
    known: int


def append_feedback(base: BasePath, rows: Iterable[Mapping[str, Any] | str], *, now: Callable[[], float] = time.time) -> Appended:
    """Takes rows in, objects or lines of JSON; blank lines are passed over.

    Ids of requests that nobody knows (yet) are taken in as well. Raises `InvalidInput` with
    every faulty row, by the number of its line; nothing is taken in then. `StorageFault`
    and `Busy` as every change of the base path.
    """
    given = _read(rows, expected_metrics(base))
    folder = feedback_folder(base)
    make_folder(folder)
    known = known_subjects(folder.absolute())
    with known.lock:
        # Most of what is there is read before the lock is taken, which others wait for.
        known.learn(_subjects)
        with base.lock():
            known.learn(_subjects)
            at = max(now(), known.latest)
            fresh: dict[tuple[str, str | None], Feedback] = {}
            for row in given:
                if row.subject not in known:
                    fresh.setdefault(row.subject, replace(row, at=at))
            if fresh:
                append_lines(_part(folder, at), (feedback.to_json() for feedback in fresh.values()))
    return Appended(len(fresh), len(given) - len(fresh))


def feedback_folder(base: BasePath) -> Path:
    """Where a model's feedback is kept."""
    return base.control / "feedback"


def read_feedback(tail: LineTail) -> Iterator[Feedback]:
    """The rows that came since the last call, or the next of them, in the order of their arrival. Raises `CorruptState`."""
    for line in tail.read():
        try:
            yield Feedback.from_json(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptState(str(tail.folder), f"a line is not what this version of the program wrote: {error!r}") from error


def is_correct(prediction: str, label: str) -> bool | None:
    """Whether a prediction says what the label says; None where the two cannot be compared.

    A class is compared as it is. A score between 0 and 1 stands for the class 1 when it is above one half.
    """
    if prediction == label:
        return True
    number = _number(prediction)
    if number is None or number.is_integer():
        return False
    if label in ("0", "1") and 0 <= number <= 1:
        return (number > 0.5) == (label == "1")
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _subjects(tail: LineTail) -> Iterator[tuple[tuple[str, str | None], float]]:
    return ((feedback.subject, feedback.at) for feedback in read_feedback(tail))


def _part(folder: Path, at: float) -> Path:
    """The part that takes the next rows; old ones are removed when a new one begins. To be called under the lock."""
    with storage_faults(folder, "written"):
        parts = sorted(folder.glob("*.jsonl"))
        if parts and parts[-1].stat().st_size < PART_BYTES:
            return parts[-1]
        for part in parts:
            if part.stat().st_mtime < at - KEEP_S:
                part.unlink()
        begun = max([round(at * 1000), *(int(part.stem) + 1 for part in parts)])
        return folder / f"{begun:013d}.jsonl"


def _read(rows: Iterable[Mapping[str, Any] | str], metrics: Mapping[str, Metric]) -> list[Feedback]:
    """What each row says, not stamped yet. Raises `InvalidInput`."""
    read, faults = [], []
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str) and not row.strip():
            continue
        found = _row(row, metrics)
        if isinstance(found, str):
            faults.append(f"line {number} {found}")
        else:
            read.append(found)
    if faults:
        more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise InvalidInput(
            f"The feedback was not taken in, since {len(faults)} of its rows are not valid: "
            + "; ".join(faults[:MOST_FAULTS])
            + f'{more}. A row is {{"request_id": "…", "correct": true or false}}, {{"request_id": "…", "label": …}} or '
            '{"request_id": "…", "metric": "…", "value": …}.'
        )
    return read


def _row(row: Mapping[str, Any] | str, metrics: Mapping[str, Metric]) -> Feedback | str:
    """What a row says, or what is wrong with it."""
    if isinstance(row, str):
        try:
            row = json.loads(row)
        except (ValueError, RecursionError):
            return "is not JSON"
    if not isinstance(row, Mapping):
        return "is no JSON object"
    unknown = sorted(set(row) - _FIELDS)
    if unknown:
        return f"has unknown fields ({', '.join(_shown(name) for name in unknown[:5])})"
    request_id = row.get("request_id")
    if not isinstance(request_id, str) or not _ID.fullmatch(request_id):
        return "has no request_id of 1 to 128 letters, digits, '.', '_' or '-'"
    if sum(name in row for name in ("correct", "label", "metric")) != 1:
        return "must have one of correct, label and metric"
    if "value" in row and "metric" not in row:
        return "has a value, but no metric that it is of"
    if "metric" in row:
        return _measured(request_id, row, metrics)
    if "label" in row:
        return _labelled(request_id, row)
    correct = row["correct"]
    if not isinstance(correct, bool):
        return f"has {_shown(correct)} for correct, which is neither true nor false"
    return Feedback(request_id, 0.0, correct=correct)


def _labelled(request_id: str, row: Mapping[str, Any]) -> Feedback | str:
    label = prediction_text(row["label"])
    if label is None:
        return "has a label that is neither a text nor a number"
    if len(label) > MOST_CHARACTERS:
        return f"has a label of {len(label):,} characters, more than {MOST_CHARACTERS:,}"
    if "prediction" not in row:
        return Feedback(request_id, 0.0, label=label)
    prediction = prediction_text(row["prediction"])
    if prediction is None:
        return "has a prediction that is neither a text nor a number"
    if len(prediction) > MOST_CHARACTERS:
        return f"has a prediction of {len(prediction):,} characters, more than {MOST_CHARACTERS:,}"
    correct = is_correct(prediction, label)
    if correct is None:
        said = f"a prediction of {_shown(prediction)}, which cannot be compared with the label {_shown(label)}"
        return f"has {said}; say correct instead"
    return Feedback(request_id, 0.0, correct=correct, label=label)


def _measured(request_id: str, row: Mapping[str, Any], metrics: Mapping[str, Metric]) -> Feedback | str:
    name, value = row["metric"], row.get("value")
    if not isinstance(name, str) or not _METRIC.fullmatch(name):
        return "has no metric of 1 to 64 letters, digits, '_' or '-'"
    if name == CORRECT:
        return f'has the metric {CORRECT}, which is told as {{"request_id": "…", "correct": true or false}}'
    if "prediction" in row:
        return "has a prediction, which belongs to a label"
    if not isinstance(value, bool) and not (isinstance(value, int | float) and abs(value) <= sys.float_info.max):
        return f"has no value of {name} that is true, false or a number"
    fault = metrics[name].fault(value) if name in metrics else None
    return Feedback(request_id, 0.0, metric=name, value=value) if fault is None else f"has {fault}"


def _shown(value: object) -> str:
    """A value of somebody else's making, as a sentence can carry it."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = value.encode("ascii", "backslashreplace").decode() if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
