"""The record of one thing, `<base>/.rollout/<kind>/<id>/`.

    plan.json        the plan, as it was when the thing was asked for
    state.json       its state; the first writing makes the thing exist
    events.jsonl     every transition and every refused order: who, why, from where to where
    orders.jsonl     what was asked for; the one file here that others than the controller append to

and beside them, by kind, what its decisions rest on. An event is written before the state that counts it: one of a state
that was never written is written anew, and of two with one number the later one counts.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from tfx_rollout.errors import CorruptState, NotFound
from tfx_rollout.journal.record import OrderT, PlanT, StateT
from tfx_rollout.journal.unfinished import Unfinished
from tfx_rollout.model_store import BasePath, Guard, append_line, make_folder, read_json, read_lines, unguarded, write_json

T = TypeVar("T")


class RecordJournal(ABC, Generic[PlanT, StateT, OrderT]):
    """Reads and writes the record of one thing. One process writes, any may read.

    The writer's `guard` is asked before each of its writes (`LostLease`), orders excepted: anybody may give them.
    """

    noun: ClassVar[str]
    """What it is called."""
    title: ClassVar[str]
    """What stands before its id in a sentence."""
    folder: ClassVar[str]
    """Where all of its kind are, below the base path's control folder."""

    def __init__(self, base: BasePath, id: str, *, guard: Guard = unguarded) -> None:
        self.base, self.id = base, id
        self.path = self.folder_of(base) / id
        self.guard = guard

    @abstractmethod
    def _plan_from(self, data: Mapping[str, Any]) -> PlanT: ...

    @abstractmethod
    def _state_from(self, data: Mapping[str, Any]) -> StateT: ...

    @abstractmethod
    def _order_from(self, data: Mapping[str, Any]) -> OrderT: ...

    # All of a model's

    @classmethod
    def folder_of(cls, base: BasePath) -> Path:
        """Where a model's records of this kind are."""
        return base.control / cls.folder

    @classmethod
    def ids(cls, base: BasePath) -> list[str]:
        """Ids of all that a model has, oldest first."""
        return sorted(path.parent.name for path in cls.folder_of(base).glob("*/state.json"))

    @classmethod
    def states(cls, base: BasePath) -> list[StateT]:
        """The states of all that a model has, oldest first."""
        return [cls(base, id).state() for id in cls.ids(base)]

    @classmethod
    def unfinished(cls, base: BasePath) -> Unfinished[StateT]:
        """Those of a model that have not ended, as long as this is asked."""
        return Unfinished(lambda: cls.ids(base), lambda id: cls(base, id).state())

    @classmethod
    def new_id(cls, base: BasePath, ending: str, now: float) -> str:
        """`20261122T101500-v2`: unique, and sorted by time. A second one within a second gets the next second's."""
        taken = cls.ids(base)
        for second in range(int(now), int(now) + len(taken) + 1):
            stamp = datetime.fromtimestamp(second, timezone.utc).strftime("%Y%m%dT%H%M%S")
            if not any(id.startswith(stamp) for id in taken):
                return f"{stamp}-{ending}"
        raise AssertionError("unreachable: there are more seconds than ids")

    # This one

    @property
    def named(self) -> str:
        """The thing in a sentence."""
        return f"{self.title} {self.id}"

    def create(self, plan: PlanT, state: StateT) -> None:
        """Makes the thing exist. Its folder must be its alone."""
        make_folder(self.path)
        write_json(self.path / "plan.json", plan.to_json())
        self.write_state(state)

    def exists(self) -> bool:
        return (self.path / "state.json").is_file()

    def plan(self) -> PlanT:
        return self._document("plan.json", self._plan_from)

    def state(self) -> StateT:
        """The state. Raises `NotFound` when there is no such thing."""
        return self._document("state.json", self._state_from)

    def write_state(self, state: StateT) -> None:
        self.guard()
        write_json(self.path / "state.json", state.to_json())

    def events(self) -> list[dict[str, Any]]:
        """What happened, in its order; each event has `number`, `at`, `event`, `from`, `to`, `by`, `reason`."""
        committed = self.state().events
        by_number = dict(self._lines("events.jsonl", lambda data: (data["number"], dict(data))))
        return [by_number[number] for number in sorted(by_number) if number <= committed]

    def append_event(self, event: Mapping[str, Any]) -> None:
        self._append("events.jsonl", event)

    def orders(self) -> list[OrderT]:
        return self._lines("orders.jsonl", self._order_from)

    def append_order(self, order: OrderT) -> None:
        """To be called under the base path's lock, since orders are numbered."""
        append_line(self.path / "orders.jsonl", order.to_json())

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        self.guard()
        append_line(self.path / name, line)

    def _document(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> T:
        data = read_json(self.path / name)
        if data is None:
            known = sorted(folder.name for folder in self.path.parent.glob("*") if folder.is_dir())
            raise NotFound(self.noun, self.id, f"model {self.base.name!r}", known)
        return _parsed(self.path / name, parse, data)

    def _lines(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> list[T]:
        path = self.path / name
        return [_parsed(path, parse, data) for data in read_lines(path)]


def _parsed(path: Path, parse: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any]) -> T:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError) as error:
        excerpt = json.dumps(data)[:80]
        raise CorruptState(str(path), f"{excerpt}… is not what this version of the program wrote: {error!r}") from error
