"""What can be watched: all models, one model, one rollout or A/B test. Each is looked at in a thread, and told on the loop."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from tfx_rollout.control.documents import ModelOverview
from tfx_rollout.control.http.keeping.signs import Sign, Signs
from tfx_rollout.control.http.watching.feed import Feed, Message
from tfx_rollout.control.local import LocalControl
from tfx_rollout.control.local.presence import RootPresence

ANYHOW_S = 5.0
"""So often it is looked even where no file changed, in seconds: some things change with the time alone."""


@dataclass(frozen=True)
class Seen:
    """What a look brought: messages to tell, and whether they are the last ones."""

    messages: tuple[Message, ...] = ()
    last: bool = False


class Topic(Protocol):
    """One thing that can be watched. `look` reads files, one call at a time; raises `RolloutError`."""

    feed: Feed

    def look(self) -> Seen: ...


class Tail(Protocol):
    """What is recorded of a rollout or an A/B test, as it grows. `read` raises `RolloutError`."""

    @property
    def ended(self) -> bool: ...

    def read(self) -> Sequence[Mapping[str, Any]]: ...


class _Changes:
    """Keeps what need not be told again."""

    def __init__(self) -> None:
        self._sign: Sign | None = None
        self._at = 0.0
        self._told: dict[str, str] = {}

    def possible(self, sign: Sign) -> bool:
        """Whether something may have changed: a file, or time has passed."""
        now = time.monotonic()
        if sign == self._sign and now - self._at < ANYHOW_S:
            return False
        self._sign, self._at = sign, now
        return True

    def message(self, kind: str, document: BaseModel) -> list[Message]:
        """The document as a message, unless it was the last of its kind already."""
        data = document.model_dump_json()
        if self._told.get(kind) == data:
            return []
        self._told[kind] = data
        return [Message.of(kind, data)]


class AllModels:
    """All models of the root: `models`."""

    def __init__(self, signs: Signs, presence: RootPresence, control: LocalControl) -> None:
        self.feed = Feed()
        self._signs, self._presence, self._control = signs, presence, control
        self._changes = _Changes()

    def look(self) -> Seen:
        """See `Topic`."""
        if not self._changes.possible(Sign((self._presence.supervisor(), self._signs.of_all()))):
            return Seen()
        return Seen(tuple(self._changes.message("models", self._control.models())))


class OneModel:
    """One model: `model`, and `rollout` and `experiment` of what runs, each to its end."""

    def __init__(self, signs: Signs, control: LocalControl, model: str) -> None:
        self.feed = Feed()
        self._signs, self._control, self._model = signs, control, model
        self._changes = _Changes()
        self._rollout: str | None = None
        self._experiment: str | None = None

    def look(self) -> Seen:
        """See `Topic`."""
        if not self._changes.possible(self._signs.of(self._model)):
            return Seen()
        overview = self._control.model(self._model)
        told = self._changes.message("model", overview)
        told += self._of_rollout(overview)
        told += self._of_experiment(overview)
        return Seen(tuple(told))

    def _of_rollout(self, overview: ModelOverview) -> list[Message]:
        before, now = self._rollout, overview.rollout
        self._rollout = None if now is None else now.id
        told: list[Message] = []
        if before not in (None, self._rollout):
            told += self._changes.message("rollout", self._control.rollout(self._model, str(before)))
        return told if now is None else told + self._changes.message("rollout", now)

    def _of_experiment(self, overview: ModelOverview) -> list[Message]:
        before, now = self._experiment, overview.experiment
        self._experiment = None if now is None else now.id
        told: list[Message] = []
        if before not in (None, self._experiment):
            told += self._changes.message("experiment", self._control.experiment(self._model, str(before)))
        return told if now is None else told + self._changes.message("experiment", now)


class OneRecord:
    """One rollout or A/B test from its first event to its end: `event`, `verdict`, `state`, and at last `report`."""

    def __init__(self, tail: Tail) -> None:
        self.feed = Feed(kept=None)
        self._tail = tail
        self._events = self._windows = 0

    def look(self) -> Seen:
        """See `Topic`."""
        lines = self._tail.read()
        return Seen(tuple(self._message(line) for line in lines), last=self._tail.ended)

    def _message(self, line: Mapping[str, Any]) -> Message:
        kind = line["type"]
        if kind == "event":
            self._events = line["number"]
        elif kind == "verdict":
            self._windows = line["window"]["number"]
        data = json.dumps({name: value for name, value in line.items() if name != "type"}, ensure_ascii=False)
        return Message.of(kind, data, (self._events, self._windows))
