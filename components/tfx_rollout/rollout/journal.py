"""The record of one rollout, `<base>/.rollout/rollouts/<id>/`: see `RecordJournal`, and beside that

    windows.jsonl    each closed window once, numbered from 1
    verdicts.jsonl   the verdict after each window

Written in this order: window, verdict, event, state, and after them all the desired state.
After a crash a window without its state is judged again from the record, to the same bits;
verdicts of a state that was never written are written anew, and of two with one number the later one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx_rollout.evidence import Window
from tfx_rollout.journal import RecordJournal
from tfx_rollout.rollout.judge import Verdict
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan, plan_from_dict
from tfx_rollout.rollout.state import RolloutState


class Journal(RecordJournal[Plan, RolloutState, Order]):
    """Reads and writes the record of one rollout. One process writes, any may read."""

    noun = title = "rollout"
    folder = "rollouts"

    def windows(self) -> list[Window]:
        return self._lines("windows.jsonl", Window.from_json)

    def append_window(self, window: Window) -> None:
        self._append("windows.jsonl", window.to_json())

    def verdicts(self) -> dict[int, Verdict]:
        """The verdict after each judged window, by the window's number."""
        return dict(self._lines("verdicts.jsonl", lambda data: (data["window"], Verdict.from_json(data["verdict"]))))

    def append_verdict(self, window: int, verdict: Verdict) -> None:
        self._append("verdicts.jsonl", {"window": window, "verdict": verdict.to_json()})

    def _plan_from(self, data: Mapping[str, Any]) -> Plan:
        return plan_from_dict(data, what=f"The plan of {self.named}")

    def _state_from(self, data: Mapping[str, Any]) -> RolloutState:
        return RolloutState.from_json(data)

    def _order_from(self, data: Mapping[str, Any]) -> Order:
        return Order.from_json(data)
