"""The record of one A/B test, `<base>/.rollout/experiments/<id>/`: see `RecordJournal`, and beside that

    windows.jsonl    each closed window once, numbered from 1: who came
    outcomes.jsonl   what became of the users of each window that is not void, once feedback has had its time
    verdicts.jsonl   the verdict after each of both
    users/           who was seen, and what outcomes are still made of (`evidence.cohort_store`)

Written in this order: users, window or outcomes, verdict, event, state, and after them all the desired state. After a crash
what has no state yet is judged again from the record, to the same bits; of two lines with one number the later one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.experiment.judge import ExperimentVerdict
from tfx_rollout.experiment.orders import ExperimentOrder
from tfx_rollout.experiment.plan import ExperimentPlan, experiment_from_dict
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.journal import RecordJournal

Moment = tuple[int, int]
"""After which window and which window's outcomes a verdict was given."""


class ExperimentJournal(RecordJournal[ExperimentPlan, ExperimentState, ExperimentOrder]):
    """Reads and writes the record of one A/B test. One process writes, any may read."""

    noun, title = "A/B test", "the A/B test"
    folder = "experiments"

    @property
    def users(self) -> Path:
        """Where the evidence keeps who was seen."""
        return self.path / "users"

    def windows(self) -> list[ExperimentWindow]:
        return self._lines("windows.jsonl", ExperimentWindow.from_json)

    def append_window(self, window: ExperimentWindow) -> None:
        self._append("windows.jsonl", window.to_json())

    def outcomes(self) -> list[MaturedWindow]:
        return self._lines("outcomes.jsonl", MaturedWindow.from_json)

    def append_outcomes(self, window: MaturedWindow) -> None:
        self._append("outcomes.jsonl", window.to_json())

    def verdicts(self) -> dict[Moment, ExperimentVerdict]:
        """The verdict after each judged window and each window's outcomes."""

        def verdict(data: Mapping[str, Any]) -> tuple[Moment, ExperimentVerdict]:
            return (data["window"], data["matured"]), ExperimentVerdict.from_json(data["verdict"])

        return dict(self._lines("verdicts.jsonl", verdict))

    def append_verdict(self, moment: Moment, verdict: ExperimentVerdict) -> None:
        window, matured = moment
        self._append("verdicts.jsonl", {"window": window, "matured": matured, "verdict": verdict.to_json()})

    def _plan_from(self, data: Mapping[str, Any]) -> ExperimentPlan:
        return experiment_from_dict(data, what=f"The plan of {self.named}")

    def _state_from(self, data: Mapping[str, Any]) -> ExperimentState:
        return ExperimentState.from_json(data)

    def _order_from(self, data: Mapping[str, Any]) -> ExperimentOrder:
        return ExperimentOrder.from_json(data)
