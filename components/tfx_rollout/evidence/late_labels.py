"""Labels that come as feedback, joined with the requests they are about and with what was predicted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tfx_rollout.evidence.feedback import is_correct
from tfx_rollout.evidence.feedback_follower import FeedbackFollower
from tfx_rollout.evidence.label_records import KeptLabel, LabelRecords
from tfx_rollout.evidence.labels import LabelTally
from tfx_rollout.evidence.prediction_log import PredictionLog
from tfx_rollout.evidence.request_records import KeptRequest
from tfx_rollout.evidence.window import PairCounts
from tfx_rollout.model_store import BasePath
from tfx_rollout.traffic import Track


class AnsweredRequests(Protocol):
    """What is known of requests one by one; `AccessLogSource` is one."""

    def answered(self, model: str, start: float, end: float) -> Mapping[Track, Sequence[KeptRequest]]:
        """The well answered requests by track that started in `[start, end)`, each request id once a track."""

    def complete(self, start: float, end: float) -> bool:
        """Whether all that started in `[start, end)` is known."""


class FeedbackLabels:
    """`LabelSource` over a model's feedback (see `feedback`).

    `requests` tells which requests an interval had, and on which track each was.
    `predictions` is needed for rows that have but a label, and for pairs. Labels that
    arrived before `since` (epoch seconds) may be left out. Not for use by several threads
    at once.
    """

    def __init__(
        self,
        base: BasePath,
        requests: AnsweredRequests,
        predictions: PredictionLog | None = None,
        *,
        since: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._requests, self._predictions = requests, predictions
        self._feedback = FeedbackFollower(base, since=since, now=now)
        self._labels = LabelRecords()

    def horizon(self) -> float:
        """See `LabelSource`. It stands still while somebody else holds the lock of the base path."""
        for feedback in self._feedback.read():
            if feedback.metric is None:
                self._labels.add(feedback)
        return self._feedback.horizon

    def counts(self, model: str, start: float, end: float, *, from_age: float, to_age: float) -> LabelTally:
        """See `LabelSource`. A gap where the requests of the interval are not known any more."""
        if not self._requests.complete(start, end):
            return LabelTally(gap=True)
        if not self._labels.latest:
            return LabelTally()  # nobody gives any, so that the requests need not be gone through
        wrong: Counter[Track] = Counter()
        labelled: Counter[Track] = Counter()
        right: dict[Track, dict[int, bool]] = {}
        for track, requests in self._requests.answered(model, start, end).items():
            for request, label, verdict in self._judged(requests, before=end + to_age):
                if label.at < end + from_age:
                    continue
                labelled[track] += 1
                wrong[track] += not verdict
                if label.label is not None:
                    right.setdefault(track, {})[request.request_id] = verdict
        return LabelTally(dict(wrong), dict(labelled), _pairs(right.get(Track.STABLE, {}), right.get(Track.SHADOW, {})))

    def predicted(self, model: str, start: float, end: float) -> Mapping[Track, int]:
        """See `LabelSource`: the well answered requests."""
        return {track: len(requests) for track, requests in self._requests.answered(model, start, end).items()}

    def disagreements(self, model: str, start: float, end: float) -> PairCounts:
        """See `LabelSource`. Numbers disagree where their three digits do."""
        answered = self._requests.answered(model, start, end)
        if self._predictions is None or Track.SHADOW not in answered:
            return PairCounts()
        texts = {
            track: {
                request.request_id: text
                for request, text in zip(requests, self._predictions.of(requests), strict=True)
                if text is not None
            }
            for track, requests in answered.items()
            if track in (Track.STABLE, Track.SHADOW)
        }
        stable, shadow = texts.get(Track.STABLE, {}), texts.get(Track.SHADOW, {})
        both = stable.keys() & shadow.keys()
        return PairCounts(disagreed=sum(stable[one] != shadow[one] for one in both), pairs=len(both))

    def forget(self, before: float) -> None:
        """Frees labels that arrived before this time (epoch seconds)."""
        self._labels.forget(before)

    def _judged(self, requests: Sequence[KeptRequest], *, before: float) -> Iterable[tuple[KeptRequest, KeptLabel, bool]]:
        """The requests that are known to be right or wrong by labels that arrived before this time."""
        labels = self._labels.of([request.request_id for request in requests], before=before)
        known = [(request, label) for request, label in zip(requests, labels, strict=True) if label is not None]
        texts: list[str | None] = [None] * len(known)
        if self._predictions is not None:
            texts = self._predictions.of([request for request, _ in known])
        for (request, label), text in zip(known, texts, strict=True):
            verdict = label.correct if request.track is not Track.SHADOW else None
            if verdict is None and label.label is not None and text is not None:
                verdict = is_correct(text, label.label)
            if verdict is not None:
                yield request, label, verdict


def _pairs(stable: Mapping[int, bool], shadow: Mapping[int, bool]) -> PairCounts:
    """Pairs that have a label. Where it only says right or wrong of the answer, nothing is known of the copy:
    counting such pairs where the two agree would make the candidate look like stable."""
    both = stable.keys() & shadow.keys()
    worse = sum(stable[one] and not shadow[one] for one in both)
    better = sum(shadow[one] and not stable[one] for one in both)
    return PairCounts(worse=worse, same=len(both) - worse - better, better=better)
