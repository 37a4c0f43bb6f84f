"""Whether predictions were right, joined by request id with the requests they answered.

The feedback of each model (`evidence.feedback`) meets the newest `MOST_REQUESTS` well answered
requests with an id, over all models: two hours at 140 a second. A label that comes later than that
counts for rollouts, which keep requests for as long as their plan asks, but not here. A row
that has but a label needs the prediction from the model servers' log; of a shadow's copy
nothing else tells.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tfx_rollout.errors import CorruptState
from tfx_rollout.evidence.feedback import Feedback, feedback_folder, is_correct, read_feedback
from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.evidence.prediction_log import logged_prediction, prediction_folder
from tfx_rollout.evidence.request_records import identity
from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.recent_ids import RecentIds
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Track

log = logging.getLogger("tfx_rollout.metrics")

MOST_REQUESTS = 1_000_000
SETTLE_S = 2.0
"""How much later than a row the log must have been read, so that its request is known if anything is."""
MOST_ROWS = 2000
"""Rows of feedback, and lines of predictions, that one step reads at most."""
MOST_WAITING = 20_000
"""Rows that wait for the log; while there are more, no others are read."""


class Answered(NamedTuple):
    """Where a well answered request was counted: the time of its end, and its kind."""

    at: float
    key: Key


class Judged(NamedTuple):
    """A request of which it became known whether its prediction was right."""

    answered: Answered
    correct: bool
    arrived: float
    """When the row of feedback arrived (epoch seconds)."""


class _Predicted(NamedTuple):
    model: str
    version: int
    text: str


class LabelJoin:
    """Joins feedback with requests. What arrived or was predicted before `since` (epoch seconds) may be left out."""

    def __init__(self, store: ModelStore, *, since: float, most: int = MOST_REQUESTS) -> None:
        self._store, self._since = store, since
        self._requests: RecentIds[Answered] = RecentIds(most)
        self._predictions: RecentIds[_Predicted] = RecentIds(most)
        self._prediction_tail = LineTail(prediction_folder(store), since=since)
        self._prediction_lines: Iterator[bytes] = iter(())
        self._inboxes: dict[str, _Inbox] = {}

    def answered(self, request_id: str, answered: Answered) -> None:
        """Keeps a well answered request, for the labels to come."""
        self._requests.add(identity(request_id), answered)

    def read(self, models: Sequence[str]) -> tuple[dict[str, list[float]], bool]:
        """Reads what is new, up to some thousand lines; when each new row of each model arrived, and whether there is more."""
        more = self._read_predictions()
        arrived = {}
        for model in models:
            if model not in self._inboxes:
                self._inboxes[model] = _Inbox(LineTail(feedback_folder(self._store.model(model)), since=self._since), self._since)
            rows = self._inboxes[model].read()
            arrived[model] = [row.at for row in rows]
            more = more or len(rows) == MOST_ROWS
        self._inboxes = {model: inbox for model, inbox in self._inboxes.items() if model in arrived}
        return arrived, more

    def is_due(self, counted_until: float) -> bool:
        """Whether `judge` has rows left to give, up to the same time."""
        return any(inbox.is_due(counted_until - SETTLE_S) for inbox in self._inboxes.values())

    def judge(self, counted_until: float) -> Iterator[Judged]:
        """The requests that rows speak of which arrived well before this time, up to which the log was read (epoch seconds)."""
        for model, inbox in self._inboxes.items():
            rows = inbox.due(counted_until - SETTLE_S)
            if not rows:
                continue
            ids = [identity(row.request_id) for row in rows]
            requests = self._requests.find(ids)
            bare = [one for one, row in zip(ids, rows, strict=True) if row.label is not None and one in requests]
            predictions = self._predictions.find(bare) if bare else {}
            for one, row in zip(ids, rows, strict=True):
                mine = [answered for answered in requests.get(one, ()) if answered.key.model == model]
                yield from _judged(row, mine, predictions.get(one, ()))

    def _read_predictions(self) -> bool:
        read = 0
        for _ in range(2):
            for line in itertools.islice(self._prediction_lines, MOST_ROWS - read):
                read += 1
                logged = logged_prediction(line)
                if logged is not None and logged.at >= self._since:
                    self._predictions.add(identity(logged.request_id), _Predicted(logged.model, logged.version, logged.text))
            if read == MOST_ROWS:
                return True
            self._prediction_lines = self._prediction_tail.read()
        return False


class _Inbox:
    """One model's feedback that was read and waits for the log."""

    def __init__(self, tail: LineTail, since: float) -> None:
        self._tail, self._since = tail, since
        self._coming: Iterator[Feedback] = iter(())
        self._waiting: deque[Feedback] = deque()

    def read(self) -> list[Feedback]:
        if len(self._waiting) > MOST_WAITING:
            return []
        rows: list[Feedback] = []
        try:
            rows += itertools.islice(self._coming, MOST_ROWS)
            if len(rows) < MOST_ROWS:
                self._coming = read_feedback(self._tail)
                rows += itertools.islice(self._coming, MOST_ROWS - len(rows))
        except CorruptState as error:
            log.warning("some feedback is missing in the metrics: %s", error)
        self._waiting.extend(row for row in rows if row.at >= self._since)
        return rows

    def is_due(self, before: float) -> bool:
        return bool(self._waiting) and self._waiting[0].at <= before

    def due(self, before: float) -> list[Feedback]:
        rows: list[Feedback] = []
        while self.is_due(before) and len(rows) < MOST_ROWS:
            rows.append(self._waiting.popleft())
        return rows


def _judged(row: Feedback, requests: Sequence[Answered], predictions: Sequence[_Predicted]) -> Iterator[Judged]:
    """The first request of this id, and its first copy, as far as the row tells of them."""
    for copy in (False, True):
        answered = next((one for one in requests if (one.key.track is Track.SHADOW) is copy), None)
        if answered is None:
            continue
        verdict = None if copy else row.correct
        if verdict is None and row.label is not None:
            source = (answered.key.model, answered.key.version)
            text = next((one.text for one in predictions if (one.model, one.version) == source), None)
            verdict = None if text is None else is_correct(text, row.label)
        if verdict is not None:
            yield Judged(answered, verdict, row.at)
