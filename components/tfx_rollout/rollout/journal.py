"""The record of one rollout, `<base>/.rollout/rollouts/<id>/`.

    plan.json        the plan, as it was when the rollout was asked for
    state.json       RolloutState; its first writing makes the rollout exist
    windows.jsonl    each closed window once, numbered from 1
    verdicts.jsonl   the verdict after each window
    events.jsonl     every transition and every refused order: who, why, from where to where
    orders.jsonl     what was asked for; the one file here that others than the controller append to

Written in this order: window, verdict, event, state, and after them all the desired state.
After a crash a window without its state is judged again from the record, to the same bits;
verdicts and events of a state that was never written are written anew, and of two with one
number the later one counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tfx_rollout.errors import CorruptState, NotFound
from tfx_rollout.evidence import Window
from tfx_rollout.model_store import BasePath, Guard, append_line, make_folder, read_json, read_lines, unguarded, write_json
from tfx_rollout.rollout.judge import Verdict
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan, plan_from_dict
from tfx_rollout.rollout.state import RolloutState

T = TypeVar("T")


class Journal:
    """Reads and writes the record of one rollout. One process writes, any may read.

    The writer's `guard` is asked before each of its writes (`LostLease`), orders excepted: anybody may give them.
    """

    def __init__(self, base: BasePath, rollout: str, *, guard: Guard = unguarded) -> None:
        self.id = rollout
        self._guard = guard
        self.path = base.control / "rollouts" / rollout
        self._model = base.name

    def create(self, plan: Plan, state: RolloutState) -> None:
        """Makes the rollout exist. Its folder must be this rollout's alone."""
        make_folder(self.path)
        write_json(self.path / "plan.json", plan.to_json())
        self.write_state(state)

    def exists(self) -> bool:
        return (self.path / "state.json").is_file()

    def plan(self) -> Plan:
        return self._document("plan.json", lambda data: plan_from_dict(data, what=f"The plan of rollout {self.id}"))

    def state(self) -> RolloutState:
        """The state. Raises `NotFound` when there is no such rollout."""
        return self._document("state.json", RolloutState.from_json)

    def write_state(self, state: RolloutState) -> None:
        self._guard()
        write_json(self.path / "state.json", state.to_json())

    def windows(self) -> list[Window]:
        return self._lines("windows.jsonl", Window.from_json)

    def append_window(self, window: Window) -> None:
        self._guard()
        append_line(self.path / "windows.jsonl", window.to_json())

    def verdicts(self) -> dict[int, Verdict]:
        """The verdict after each judged window, by the window's number."""
        return dict(self._lines("verdicts.jsonl", lambda data: (data["window"], Verdict.from_json(data["verdict"]))))

    def append_verdict(self, window: int, verdict: Verdict) -> None:
        self._guard()
        append_line(self.path / "verdicts.jsonl", {"window": window, "verdict": verdict.to_json()})

    def events(self) -> list[dict[str, Any]]:
        """What happened, in its order; each event has `number`, `at`, `event`, `from`, `to`, `by`, `reason`."""
        committed = self.state().events
        by_number = dict(self._lines("events.jsonl", lambda data: (data["number"], dict(data))))
        return [by_number[number] for number in sorted(by_number) if number <= committed]

    def append_event(self, event: Mapping[str, Any]) -> None:
        self._guard()
        append_line(self.path / "events.jsonl", event)

    def orders(self) -> list[Order]:
        return self._lines("orders.jsonl", Order.from_json)

    def append_order(self, order: Order) -> None:
        """To be called under the base path's lock, since orders are numbered."""
        append_line(self.path / "orders.jsonl", order.to_json())

    def _document(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> T:
        data = read_json(self.path / name)
        if data is None:
            known = sorted(folder.name for folder in self.path.parent.glob("*") if folder.is_dir())
            raise NotFound("rollout", self.id, f"model {self._model!r}", known)
        return _parsed(self.path / name, parse, data)

    def _lines(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> list[T]:
        path = self.path / name
        return [_parsed(path, parse, data) for data in read_lines(path)]


def rollout_ids(base: BasePath) -> list[str]:
    """Ids of all rollouts of a model, oldest first."""
    return sorted(path.parent.name for path in (base.control / "rollouts").glob("*/state.json"))


def _parsed(path: Path, parse: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any]) -> T:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError) as error:
        excerpt = json.dumps(data)[:80]
        raise CorruptState(str(path), f"{excerpt}… is not what this version of the program wrote: {error!r}") from error
