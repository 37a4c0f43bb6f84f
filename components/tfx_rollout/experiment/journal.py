"""The record of one A/B test, `<base>/.rollout/experiments/<id>/`.

    plan.json        the plan, as it was when the test was asked for
    state.json       ExperimentState; its first writing makes the test exist
    windows.jsonl    each closed window once, numbered from 1: who came
    outcomes.jsonl   what became of the users of each window that is not void, once feedback has had its time
    verdicts.jsonl   the verdict after each of both
    events.jsonl     every transition and every refused order: who, why, from where to where
    orders.jsonl     what was asked for; the one file here that others than the controller append to
    users/           who was seen, and what outcomes are still made of (`evidence.cohort_store`)

Written in this order: users, window or outcomes, verdict, event, state, and after them all the desired state. After a crash
what has no state yet is judged again from the record, to the same bits; of two lines with one number the later one counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tfx_rollout.errors import CorruptState, NotFound
from tfx_rollout.experiment.judge import ExperimentVerdict
from tfx_rollout.experiment.orders import ExperimentOrder
from tfx_rollout.experiment.plan import ExperimentPlan, experiment_from_dict
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.model_store import BasePath, Guard, append_line, make_folder, read_json, read_lines, unguarded, write_json

T = TypeVar("T")

Moment = tuple[int, int]
"""After which window and which window's outcomes a verdict was given."""


class ExperimentJournal:
    """Reads and writes the record of one A/B test. One process writes, any may read.

    The writer's `guard` is asked before each of its writes (`LostLease`), orders excepted: anybody may give them.
    """

    def __init__(self, base: BasePath, experiment: str, *, guard: Guard = unguarded) -> None:
        self.id = experiment
        self._guard = guard
        self.path = experiments_folder(base) / experiment
        self._model = base.name

    @property
    def users(self) -> Path:
        """Where the evidence keeps who was seen."""
        return self.path / "users"

    def create(self, plan: ExperimentPlan, state: ExperimentState) -> None:
        """Makes the test exist. Its folder must be this test's alone."""
        make_folder(self.path)
        write_json(self.path / "plan.json", plan.to_json())
        self.write_state(state)

    def plan(self) -> ExperimentPlan:
        return self._document("plan.json", lambda data: experiment_from_dict(data, what=f"The plan of the A/B test {self.id}"))

    def state(self) -> ExperimentState:
        """The state. Raises `NotFound` when there is no such test."""
        return self._document("state.json", ExperimentState.from_json)

    def write_state(self, state: ExperimentState) -> None:
        self._guard()
        write_json(self.path / "state.json", state.to_json())

    def windows(self) -> list[ExperimentWindow]:
        return self._lines("windows.jsonl", ExperimentWindow.from_json)

    def append_window(self, window: ExperimentWindow) -> None:
        self._guard()
        append_line(self.path / "windows.jsonl", window.to_json())

    def outcomes(self) -> list[MaturedWindow]:
        return self._lines("outcomes.jsonl", MaturedWindow.from_json)

    def append_outcomes(self, window: MaturedWindow) -> None:
        self._guard()
        append_line(self.path / "outcomes.jsonl", window.to_json())

    def verdicts(self) -> dict[Moment, ExperimentVerdict]:
        """The verdict after each judged window and each window's outcomes."""
        return dict(
            self._lines(
                "verdicts.jsonl", lambda data: ((data["window"], data["matured"]), ExperimentVerdict.from_json(data["verdict"]))
            )
        )

    def append_verdict(self, moment: Moment, verdict: ExperimentVerdict) -> None:
        self._guard()
        window, matured = moment
        append_line(self.path / "verdicts.jsonl", {"window": window, "matured": matured, "verdict": verdict.to_json()})

    def events(self) -> list[dict[str, Any]]:
        """What happened, in its order; each event has `number`, `at`, `event`, `from`, `to`, `by`, `reason`."""
        committed = self.state().events
        by_number = dict(self._lines("events.jsonl", lambda data: (data["number"], dict(data))))
        return [by_number[number] for number in sorted(by_number) if number <= committed]

    def append_event(self, event: Mapping[str, Any]) -> None:
        self._guard()
        append_line(self.path / "events.jsonl", event)

    def orders(self) -> list[ExperimentOrder]:
        return self._lines("orders.jsonl", ExperimentOrder.from_json)

    def append_order(self, order: ExperimentOrder) -> None:
        """To be called under the base path's lock, since orders are numbered."""
        append_line(self.path / "orders.jsonl", order.to_json())

    def _document(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> T:
        data = read_json(self.path / name)
        if data is None:
            known = sorted(folder.name for folder in self.path.parent.glob("*") if folder.is_dir())
            raise NotFound("A/B test", self.id, f"model {self._model!r}", known)
        return _parsed(self.path / name, parse, data)

    def _lines(self, name: str, parse: Callable[[Mapping[str, Any]], T]) -> list[T]:
        path = self.path / name
        return [_parsed(path, parse, data) for data in read_lines(path)]


def experiments_folder(base: BasePath) -> Path:
    """Where a model's A/B tests are."""
    return base.control / "experiments"


def experiment_ids(base: BasePath) -> list[str]:
    """Ids of all A/B tests of a model, oldest first."""
    return sorted(path.parent.name for path in experiments_folder(base).glob("*/state.json"))


def _parsed(path: Path, parse: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any]) -> T:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError) as error:
        excerpt = json.dumps(data)[:80]
        raise CorruptState(str(path), f"{excerpt}… is not what this version of the program wrote: {error!r}") from error
