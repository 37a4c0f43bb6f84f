"""A log of predictions by request id, for those who learn later whether they were right.

TensorFlow Serving has nothing of the kind that its stock binary would offer, so it is
asked for by environment variables, and the real `tensorflow_model_server` knows none of
it. A line of JSON for each Predict call with a request id that was answered:

    {"id": "d7ad2fbe-…", "at": 1795349568.352, "model": "taxi", "version": 7, "prediction": ["1"]}

`at` is when the answer was ready (epoch seconds), `prediction` has one value a row, as
`prediction_values` calls it. Serving comes first: lines wait in memory for a thread that
writes them, and are dropped, counted and told when it falls behind or the disk refuses.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfx_rollout.model_server.prediction_files import PredictionFiles
from tfx_rollout.model_server.prediction_values import prediction_output, row_values

LOG_VARIABLE = "TFX_ROLLOUT_PREDICTION_LOG"
"""Environment variable: the folder to log predictions to; without it nothing is logged."""
OUTPUT_VARIABLE = "TFX_ROLLOUT_PREDICTION_OUTPUT"
"""Environment variable: the output that is the prediction, where it cannot be guessed."""
REQUEST_ID = "x-request-id"
"""The header or metadata that carries the id; the gateway sends it with every request."""

WRITE_EVERY_S = 0.1
WAITING_LINES = 10_000
"""Lines that wait for the writer at most, some 20 s at 500 requests a second."""
TELL_EVERY_S = 60.0
CLOSE_WITHIN_S = 2.0
"""A disk that hangs does not hold up the server's end for longer."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_encode = json.JSONEncoder(separators=(",", ":")).encode
_log = logging.getLogger(__name__)


class PredictionLog:
    """Takes predictions on the event loop, and writes them in a thread of its own until `close`."""

    def __init__(self, files: PredictionFiles, output: str | None = None) -> None:
        self._files, self._output = files, output
        self._waiting: deque[dict[str, Any]] = deque()
        self._untold: set[str] = set()
        self._dropped, self._told_at = 0, 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="prediction-log", daemon=True)
        self._thread.start()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> PredictionLog | None:
        """The log that the environment asks for, if it does."""
        folder = environment.get(LOG_VARIABLE)
        return cls(PredictionFiles(Path(folder)), environment.get(OUTPUT_VARIABLE)) if folder else None

    @property
    def dropped(self) -> int:
        """How many predictions were not written."""
        return self._dropped

    def add(self, request_id: str | None, model: str, version: int, outputs: Mapping[str, np.ndarray]) -> None:
        """Logs one answer; nothing happens without a proper id. Not for use by several threads at once."""
        if request_id is None or not _ID.fullmatch(request_id):
            return
        alias = prediction_output(outputs, self._output)
        values = None if alias is None else row_values(outputs, alias)
        if values is None:
            self._tell_once(model, outputs)
        elif len(self._waiting) >= WAITING_LINES:
            self._dropped += 1
        else:
            at = round(time.time(), 6)
            self._waiting.append({"id": request_id, "at": at, "model": model, "version": version, "prediction": values})

    def close(self) -> None:
        """Writes what waits, and ends."""
        self._closing.set()
        self._thread.join(CLOSE_WITHIN_S)

    def _write_on(self) -> None:
        while not self._closing.wait(WRITE_EVERY_S):
            self._write()
        self._write()
        self._files.close()

    def _write(self) -> None:
        count = len(self._waiting)
        if count:
            lines = [_encode(self._waiting.popleft()) for _ in range(count)]
            try:
                self._files.append(("\n".join(lines) + "\n").encode())
            except OSError as error:
                self._dropped += count
                self._tell(f"cannot be written: {error}")
        if self._dropped:
            self._tell("falls behind")

    def _tell(self, fault: str) -> None:
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            _log.warning("The prediction log %s; %d predictions are missing from it so far.", fault, self._dropped)

    def _tell_once(self, model: str, outputs: Mapping[str, np.ndarray]) -> None:
        if model not in self._untold:
            self._untold.add(model)
            _log.warning(
                "The answers of model %s are not logged: none of the outputs %s tells a prediction; name one by %s.",
                model,
                ", ".join(sorted(outputs)),
                OUTPUT_VARIABLE,
            )
