"""What was predicted, by request id, from the logs of the model servers.

A folder of JSON Lines, one line an answer, written by the servers (the embedded one does when
it is asked to):

    {"id": "d7ad2fbe-…", "at": 1795349568.352, "model": "taxi", "version": 7, "prediction": ["1"]}

`prediction` has a value for each row of the request. A request is drawn as a whole, so its
rows are no independent draws: the first one stands for it. A copy for the shadow has the id
of its original, hence the version tells which of the two a line is about.

Lines may come late, or never: a prediction that is missing when its window is counted is not
counted. The log's clock and the gateway's may differ by up to `SLACK_S`.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.evidence.request_records import KeptRequest, identity
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Track

SLACK_S = 60.0
"""How far the time of a prediction may lie outside of the time that its request took."""
MOST_TEXTS = 100_000
OTHER = "other"
"""What further predictions are called when there were `MOST_TEXTS` different ones."""

_UNKNOWN = -1


def prediction_folder(store: ModelStore) -> Path:
    """Where the model servers of a root are to log, if they do."""
    return store.models_dir / "predictions"


def prediction_text(value: object) -> str | None:
    """A prediction or label as text: a class as it is, a number rounded to three digits; None for what is neither.

    Integers are classes. Truth values are the classes 1 and 0.
    """
    while isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (int, str)):
        return {"True": "1", "False": "0"}.get(str(value), str(value))
    return None


class LoggedPrediction(NamedTuple):
    """One line of the log; `at` in epoch seconds."""

    request_id: str
    at: float
    model: str
    version: int
    text: str


def logged_prediction(line: bytes) -> LoggedPrediction | None:
    """What a line says; None for what is no line of this log (one that a full disk cut, say), and for no prediction."""
    try:
        data = json.loads(line)
        text = prediction_text(data["prediction"])
        if text is None:
            return None
        return LoggedPrediction(str(data["id"]), float(data["at"]), data["model"], data["version"], text)
    except (ValueError, KeyError, TypeError):
        return None


@dataclass
class _Minute:
    """Predictions of one minute and one version: 12 bytes each."""

    request_ids: array[int] = field(default_factory=lambda: array("Q"))
    texts: array[int] = field(default_factory=lambda: array("i"))


class PredictionLog:
    """Predictions for one model's requests, kept until they are forgotten."""

    def __init__(self, folder: Path, *, model: str, candidate: int, since: float = 0.0, waiting_s: float = 5.0) -> None:
        """`candidate` is the version on the canary and shadow tracks; every other one counts as stable's.

        `since`: from when on (epoch seconds) requests matter. `waiting_s`: how long a request may take.
        """
        self._model, self._candidate, self._waiting_s = model, candidate, waiting_s
        self._tail = LineTail(folder, since=since - SLACK_S)
        self._minutes: dict[tuple[int, bool], _Minute] = {}
        """By minute since the epoch, and whether the candidate made the prediction."""
        self._texts: dict[str, int] = {}
        self._names: list[str] = []
        self._forgotten_before = since - SLACK_S

    def read(self) -> None:
        """Takes in the lines that have come since."""
        for line in self._tail.read():
            self._take(line)

    def of(self, requests: Sequence[KeptRequest]) -> list[str | None]:
        """The prediction that each of these requests got, as text; None where none is known."""
        found: list[str | None] = [None] * len(requests)
        for candidate in (False, True):
            mine = [i for i, request in enumerate(requests) if (request.track is not Track.STABLE) is candidate]
            if mine:
                texts = self._find([requests[i] for i in mine], candidate)
                for i, text in zip(mine, texts, strict=True):
                    found[i] = None if text == _UNKNOWN else self._names[text]
        return found

    def count(self, requests: Iterable[KeptRequest]) -> dict[Track, dict[str, int]]:
        """How often each prediction was made, by track."""
        given = [request for request in requests if request.request_id]
        counts: dict[Track, Counter[str]] = {}
        for request, text in zip(given, self.of(given), strict=True):
            if text is not None:
                counts.setdefault(request.track, Counter())[text] += 1
        return {track: dict(sorted(of_track.items())) for track, of_track in counts.items()}

    def forget(self, before: float) -> None:
        """Frees the predictions for requests that started before this time (epoch seconds)."""
        self._forgotten_before = max(self._forgotten_before, before - SLACK_S)
        for key in [key for key in self._minutes if (key[0] + 1) * 60 <= self._forgotten_before]:
            del self._minutes[key]

    def _take(self, line: bytes) -> None:
        logged = logged_prediction(line)
        if logged is None or logged.model != self._model or logged.at < self._forgotten_before:
            return
        minute = int(logged.at // 60)
        kept = self._minutes.setdefault((minute, logged.version == self._candidate), _Minute())
        kept.request_ids.append(identity(logged.request_id))
        kept.texts.append(self._text_index(logged.text))

    def _text_index(self, text: str) -> int:
        if text not in self._texts and len(self._texts) >= MOST_TEXTS:
            text = OTHER
        if text not in self._texts:
            self._texts[text] = len(self._names)
            self._names.append(text)
        return self._texts[text]

    def _find(self, requests: Sequence[KeptRequest], candidate: bool) -> list[int]:
        """The text index of each request; of several predictions for one id the first counts."""
        wanted, places = np.unique(np.array([request.request_id for request in requests], np.uint64), return_inverse=True)
        texts = np.full(len(wanted), _UNKNOWN, np.int32)
        first = min(request.start_us for request in requests) / 1e6 - SLACK_S
        last = max(request.start_us for request in requests) / 1e6 + self._waiting_s + SLACK_S
        for minute in range(int(last // 60), int(first // 60) - 1, -1):
            kept = self._minutes.get((minute, candidate))
            if kept is not None:
                ids = np.frombuffer(kept.request_ids, np.uint64)[::-1]
                at = np.minimum(np.searchsorted(wanted, ids), len(wanted) - 1)
                hit = wanted[at] == ids
                # Backwards in time, so that earlier ones overwrite later ones.
                texts[at[hit]] = np.frombuffer(kept.texts, np.int32)[::-1][hit]
        return [int(text) for text in texts[places]]
