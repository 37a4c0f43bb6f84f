"""What the world says to the machine: verdicts, orders, observations and time, as events. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tfx_rollout.rollout.judge import Call, Verdict
from tfx_rollout.rollout.machine import Event, possible
from tfx_rollout.rollout.orders import Order
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import WATCHED, Phase, RolloutState
from tfx_rollout.traffic import DesiredState, ObservedState, Split, Track, VersionState, canary_server, primary_server, routes
from tfx_rollout.traffic.transition import serves

LOADING_SECONDS = 900.0
"""A candidate that is not in force after this long cannot be served."""
CANARY_DEATHS = 3
"""A candidate whose own server has died this often cannot be served."""
PRIMARY_DEATHS = 2
"""A candidate cannot be served if the primary, which has been loading it, has died this often since."""

_CONTROLLER = "controller"


@dataclass(frozen=True)
class Signal:
    """An event, why it happened (sentences), and who caused it."""

    event: Event
    reason: str
    by: str = _CONTROLLER


@dataclass(frozen=True)
class Refusal:
    """An order that does not fit the rollout as it is."""

    reason: str


def of_beginning(state: RolloutState, desired: DesiredState, versions: Collection[int]) -> Signal:
    """Whether and how a submitted rollout begins."""
    if state.version not in versions:
        return Signal(Event.IMPOSSIBLE, f"Version {state.version} is not in the base path any more.")
    if desired.stable == state.version:
        return Signal(Event.IMPOSSIBLE, f"Version {state.version} is live already.")
    if desired.stable is None:
        reason = f"Nothing is live yet that version {state.version} could be compared with: it goes live without a canary."
        return Signal(Event.BEGIN_FIRST, reason)
    return Signal(Event.BEGIN, f"Version {state.version} is loaded beside version {desired.stable}, without traffic.")


def of_verdict(plan: Plan, state: RolloutState, verdict: Verdict) -> Signal | None:
    """What follows from the verdict after a window; None when the rollout just goes on."""
    reason = " ".join(verdict.reasons)
    if verdict.call is Call.ROLLBACK:
        return Signal(Event.REGRESSED, reason)
    if state.phase is not Phase.RUNNING or state.judge.stage != state.stage:
        return None  # Windows from before the present stage, or while a person or the blessing decides, can only speak against.
    stage = plan.stages[state.stage]
    if verdict.call in (Call.ADVANCE, Call.PASS):
        return Signal(Event.ASK if stage.approval else _onward(plan, state), reason)
    if verdict.call is Call.INCONCLUSIVE:
        if stage.on_inconclusive == "rollback":
            return Signal(Event.INCONCLUSIVE, f"{reason} The plan rolls back then.")
        if stage.on_inconclusive == "ask":
            return Signal(Event.ASK, f"{reason} The plan asks a person then.")
        # Going on without a decision takes a canary that was really looked at and speaks rather for itself.
        if stage.on_inconclusive == "advance" and verdict.gates["requests"].passed and verdict.e_value <= 1:
            return Signal(_onward(plan, state), f"{reason} The plan goes on then.")
    return None


def _onward(plan: Plan, state: RolloutState) -> Event:
    if state.stage < len(plan.stages) - 1:
        return Event.ADVANCE
    return Event.PASSED_AT_ONCE if plan.promotion == "automatic" else Event.PASSED


def of_order(plan: Plan, state: RolloutState, order: Order) -> Signal | Refusal:
    """What follows from an order."""
    if order.expect is not None and (broken := order.expect.broken_by(state)):
        return Refusal(f"The order to {order.kind} is refused: {broken}.")
    event = _ordered(plan, state, order)
    if event is None or not possible(state.phase, event):
        return Refusal(f"The order to {order.kind} is refused: rollout {state.id} is {_phase_in_words(state)}.")
    return Signal(event, f"{order.by} ordered to {order.kind}: {order.why}", order.by)


def _ordered(plan: Plan, state: RolloutState, order: Order) -> Event | None:
    if order.kind == "approve":
        if state.phase is Phase.AWAITING_APPROVAL:
            return _onward(plan, state)
        return Event.PROMOTE if plan.promotion == "approval" else None
    if order.kind == "promote":
        return Event.PROMOTE
    if order.kind == "supersede" and state.phase is Phase.PROMOTING:
        return None  # What has been blessed goes live; the newer version comes after it.
    return Event.STOP


def _phase_in_words(state: RolloutState) -> str:
    words = {
        Phase.HOLDING: "holding, and waits to be promoted or rolled back",
        Phase.RUNNING: f"in stage {state.stage + 1} of its plan",
    }
    return words.get(state.phase, str(state.phase).replace("_", " "))


def of_serving(plan: Plan, state: RolloutState, observed: ObservedState) -> Signal | None:
    """Whether what the phase waits for has come: the candidate ready, or the wanted state in force."""
    if state.wanted is None:
        return None
    applied = observed.generation >= state.wanted.generation
    if state.phase is Phase.LOADING and candidate_serves(state, observed):
        return Signal(Event.READY, f"Version {state.version} is loaded; stage 1 begins with {_percent(plan.stages[0].split)}.")
    if state.phase is Phase.GOING_LIVE and applied:
        event = Event.PASSED_AT_ONCE if plan.promotion == "automatic" else Event.PASSED
        return Signal(event, f"Version {state.version} is live as the first version, without a canary.")
    if state.phase is Phase.PROMOTING and applied:
        return Signal(Event.APPLIED, f"Version {state.version} is live for everybody.")
    if state.phase is Phase.ROLLING_BACK and (applied or _traffic_is_back(observed)):
        return Signal(Event.APPLIED, state.reason)
    return None


def candidate_serves(state: RolloutState, observed: ObservedState) -> bool:
    """Whether the candidate is AVAILABLE under its label, and the gateway has a route to it."""
    route = None if state.wanted is None else routes(state.wanted).get(Track.CANARY)
    return route is not None and observed.routes.get(Track.CANARY) == route and serves(observed, route, state.version)


def _traffic_is_back(observed: ObservedState) -> bool:
    """Whether the canary has neither weight nor route, though something else of the wanted state cannot be had."""
    return observed.fault is not None and observed.split == Split() and Track.CANARY not in observed.routes


def serving_fault(state: RolloutState, observed: ObservedState) -> str | None:
    """Why the candidate cannot be served, as far as the servers show it."""
    for server in observed.servers:
        ended = server.versions.get(state.version) is VersionState.END and state.version in server.configured_versions
        if ended and server.errors.get(state.version):
            return f"version {state.version} does not load on {server.name}: {server.errors[state.version]}"
        if server.name == canary_server(state.model) and server.restarts >= CANARY_DEATHS and state.phase is not Phase.PROMOTING:
            return f"the model server {server.name}, which serves version {state.version} alone, has died {server.restarts} times"
        deaths = server.restarts - state.primary_restarts
        shared = state.wanted is not None and state.wanted.topology == "shared"
        loading_here = shared or state.phase in (Phase.PROMOTING, Phase.GOING_LIVE)
        if server.name == primary_server(state.model) and loading_here and deaths >= PRIMARY_DEATHS:
            return f"the model server {server.name} has died {deaths} times since it was to load version {state.version}"
    return None


def of_fault(state: RolloutState, fault: str) -> Signal | None:
    """What follows from a candidate that cannot be served."""
    if not possible(state.phase, Event.UNSERVABLE):
        return None
    return Signal(Event.UNSERVABLE, f"The candidate cannot be served: {fault}.")


def of_time(plan: Plan, state: RolloutState, now: float) -> Signal | None:
    """What follows from the time that a phase has lasted. `now` in seconds since the epoch."""
    lasted = now - state.phase_since
    if state.phase is Phase.HOLDING and lasted >= plan.promotion_deadline_seconds:
        promote = plan.on_deadline == "promote"
        done = "is promoted" if promote else "is rolled back"
        reason = f"Nobody promoted it within {plan.promotion_deadline_seconds:g} s; by the plan it {done} then."
        return Signal(Event.DEADLINE_PROMOTE if promote else Event.DEADLINE_ROLLBACK, reason)
    if state.phase in (Phase.LOADING, Phase.GOING_LIVE, Phase.PROMOTING) and lasted >= LOADING_SECONDS:
        return Signal(Event.UNSERVABLE, f"Version {state.version} was not in force {LOADING_SECONDS:g} s after it was asked for.")
    return None


def is_watched(state: RolloutState) -> bool:
    """Whether windows are closed and judged: the canary has traffic, or is about to get it."""
    return state.phase in WATCHED and not state.first_version


def _percent(split: Split) -> str:
    return f"{split.canary / 100:g} %"
