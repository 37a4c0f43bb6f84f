"""What people and BlessingCheck order, as events; or why it does not fit the rollout as it is. Pure."""

from __future__ import annotations

from tfx_rollout.journal import Refusal
from tfx_rollout.rollout.machine import Event, possible
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.signals import Signal, onward, way_back
from tfx_rollout.rollout.state import Phase, RolloutState


def of_order(plan: Plan, state: RolloutState, order: Order) -> Signal | Refusal:
    """What follows from an order."""
    wrong = _unexpected(state, order) or _too_far(plan, state, order)
    if wrong is not None:
        return Refusal(f"The order to {order.kind} is refused: {wrong}.")
    event = _event(plan, state, order)
    if event is None or not possible(state.phase, event):
        return Refusal(f"The order to {order.kind} is refused: rollout {state.id} is {_phase_in_words(state)}.")
    at_once = " at once" if order.now else ""
    return Signal(event, f"{order.by} ordered to {order.kind}{at_once}: {order.why}", order.by)


def _unexpected(state: RolloutState, order: Order) -> str | None:
    """In words, what is not as the order expects it. Who expects something promotes what has passed, and no more."""
    if order.expect is None:
        return None
    if order.kind == "promote" and state.phase is not Phase.HOLDING and not state.finished:
        return f"it was meant for a rollout that holds, rollout {state.id} is {_phase_in_words(state)}"
    return order.expect.broken_by(state)


def _too_far(plan: Plan, state: RolloutState, order: Order) -> str | None:
    if order.kind == "skip" and possible(state.phase, Event.SKIP) and state.stage == len(plan.stages) - 1:
        return f"stage {state.stage + 1} is the last one; order to promote, if version {state.version} shall be live now"
    return None


def _event(plan: Plan, state: RolloutState, order: Order) -> Event | None:
    if order.kind == "approve":
        return _approved(plan, state)
    if order.kind in ("promote", "pause", "skip"):
        return {"promote": Event.PROMOTE, "pause": Event.PAUSE, "skip": Event.SKIP}[order.kind]
    if order.kind == "resume":
        return _returned(state) if state.phase is Phase.PAUSED else None
    if order.kind == "supersede" and state.phase is Phase.PROMOTING:
        return None  # What has been blessed goes live; the newer version comes after it.
    if order.now:
        return Event.STOP
    # Who steps back already goes on doing so, unless it shall be at once.
    return None if state.phase is Phase.STEPPING_BACK else way_back(plan, state, Event.STOP)


def _approved(plan: Plan, state: RolloutState) -> Event | None:
    if state.phase is Phase.AWAITING_APPROVAL:
        return _returned(state) or onward(plan, state)
    return Event.PROMOTE if state.phase is Phase.HOLDING and plan.promotion == "approval" else None


def _returned(state: RolloutState) -> Event | None:
    """Back to what was interrupted, if anything was."""
    if state.interrupted is None:
        return None
    return Event.RESUME_HOLD if state.interrupted.phase is Phase.HOLDING else Event.RESUME


def _phase_in_words(state: RolloutState) -> str:
    words = {
        Phase.HOLDING: "holding, and waits to be promoted or rolled back",
        Phase.RUNNING: f"in stage {state.stage + 1} of its plan",
    }
    return words.get(state.phase, str(state.phase).replace("_", " "))
