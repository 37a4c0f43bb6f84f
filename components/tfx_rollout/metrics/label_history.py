"""Which version a track's label named at a time: whom to count a request on that nobody answered."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from tfx_rollout.errors import RolloutError
from tfx_rollout.model_store import BasePath
from tfx_rollout.traffic import DesiredState, Track
from tfx_rollout.traffic.track import LABEL_OF

log = logging.getLogger("tfx_rollout.metrics")


class LabelHistory:
    """The labels of one model over time, from its `history.jsonl`; call `refresh` before asking for recent times."""

    def __init__(self, base: BasePath) -> None:
        self._base = base
        self._stamp: tuple[int, int] | None = None
        self._times: list[float] = []
        self._versions: list[Mapping[str, int]] = []
        """What each label named from each of the times on."""

    def refresh(self) -> None:
        """Reads the history again, if it has grown. What cannot be read is logged, and versions stay unknown."""
        stamp = self._written()
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            in_force = labels_in_force(self._base.history())
        except (RolloutError, KeyError, TypeError, ValueError) as error:
            log.warning("failed requests of %s cannot be told by version: %r", self._base.name, error)
            return
        self._times, self._versions = [at for at, _ in in_force], [labels for _, labels in in_force]

    def version(self, track: Track, at: float) -> int | None:
        """The version that the label of this track named at a time (epoch seconds); None where that is not known."""
        label, place = LABEL_OF.get(track), bisect_right(self._times, at)
        return None if label is None or not place else self._versions[place - 1].get(label)

    def _written(self) -> tuple[int, int] | None:
        try:
            found = (self._base.control / "history.jsonl").stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def labels_in_force(history: Iterable[Mapping[str, Any]]) -> list[tuple[float, Mapping[str, int]]]:
    """From when on (epoch seconds) labels named which versions, by when each generation was applied."""
    written: dict[int, Mapping[str, int]] = {}
    found: list[tuple[float, Mapping[str, int]]] = []
    for record in history:
        if record["event"] == "desired":
            labels = DesiredState.from_json(record).labels
            written[record["generation"]] = {str(label): version for label, version in labels.items()}
        elif record["event"] == "applied" and record["generation"] in written:
            found.append((record["at"], written[record["generation"]]))
    return found
