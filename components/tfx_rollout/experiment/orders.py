"""What people order of a running A/B test, and what follows from it. Pure; `operations` sends the orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from tfx_rollout.errors import InvalidInput
from tfx_rollout.experiment.machine import ExperimentEvent, ExperimentPhase, possible
from tfx_rollout.experiment.signals import ExperimentSignal
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.journal import Refusal
from tfx_rollout.traffic import VARIANTS, Track

ExperimentOrderKind = Literal["stop", "promote"]
EXPERIMENT_ORDER_KINDS: tuple[ExperimentOrderKind, ...] = get_args(ExperimentOrderKind)


@dataclass(frozen=True)
class ExperimentOrder:
    """One order. Numbers grow by one within a test; `at` is in seconds since the epoch.

    `stop` gives all traffic back to the live version, `promote` makes the version of `variant` live. With `expect`, a
    generation of the desired state (`ExperimentState.generation`), it is refused once that has changed.
    """

    number: int
    kind: ExperimentOrderKind
    by: str
    why: str
    at: float
    variant: Track | None = None
    expect: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in EXPERIMENT_ORDER_KINDS:
            raise InvalidInput(f"There is no order {self.kind!r}; choose one of {', '.join(EXPERIMENT_ORDER_KINDS)}.")
        if (self.kind == "promote") != (self.variant is not None):
            need = "needs the variant that is to become live" if self.kind == "promote" else "names no variant"
            raise InvalidInput(f"An order to {self.kind} {need}; the variants are {', '.join(map(str, VARIANTS))}.")

    def __str__(self) -> str:
        return f"{self.kind}{'' if self.variant is None else f' {self.variant}'}, given by {self.by}"

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "variant": None if self.variant is None else str(self.variant)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExperimentOrder:
        return cls(**{**data, "variant": None if data["variant"] is None else Track(data["variant"])})


def of_order(state: ExperimentState, order: ExperimentOrder) -> ExperimentSignal | Refusal:
    """What follows from an order."""
    wrong = _wrong(state, order)
    if wrong is not None:
        return Refusal(f"The order to {order.kind} is refused: {wrong}.")
    reason = f"{order.by} ordered to {order.kind}{'' if order.variant is None else f' {order.variant}'}: {order.why}"
    outcome = state.outcome or "stopped"
    if order.variant is not None:
        version = state.variants[order.variant]
        return ExperimentSignal(ExperimentEvent.PROMOTE, reason, order.by, outcome=outcome, promoted=version)
    return ExperimentSignal(_stop(state.phase), reason, order.by, outcome=outcome)


def possible_experiment_orders(state: ExperimentState) -> tuple[ExperimentOrderKind, ...]:
    """The orders that fit the test as it is."""
    found: list[ExperimentOrderKind] = []
    if possible(state.phase, _stop(state.phase)):
        found.append("stop")
    if possible(state.phase, ExperimentEvent.PROMOTE):
        found.append("promote")
    return tuple(found)


def _stop(phase: ExperimentPhase) -> ExperimentEvent:
    return ExperimentEvent.WITHDRAWN if phase is ExperimentPhase.SUBMITTED else ExperimentEvent.RESTORE


def _wrong(state: ExperimentState, order: ExperimentOrder) -> str | None:
    """In words, why an order does not fit; None when it does."""
    if order.expect is not None and order.expect != state.generation:
        return f"it was meant for generation {order.expect} of the desired state, the test is at {state.generation}"
    if order.kind not in possible_experiment_orders(state):
        return f"the A/B test {state.id} is {state.phase}"
    if order.variant is not None and order.variant not in state.left:
        known = ", ".join(map(str, state.left)) or "none"
        return f"{order.variant} is not in the test; variants that are: {known}"
    return None
