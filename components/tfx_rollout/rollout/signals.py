"""What the world says to the machine: verdicts, observations and time, as events. Pure. What people say: `order_signals`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tfx_rollout.rollout.desired_states import next_step_back
from tfx_rollout.rollout.judge import Call, Verdict
from tfx_rollout.rollout.machine import Event, possible
from tfx_rollout.rollout.plan import Plan, Stage
from tfx_rollout.rollout.state import WATCHED, Phase, RolloutState
from tfx_rollout.traffic import (
    Cause,
    DesiredState,
    ObservedState,
    Split,
    Track,
    VersionState,
    canary_server,
    primary_server,
    routes,
)
from tfx_rollout.traffic.weights import serves

LOADING_SECONDS = 900.0
"""A candidate that is not in force after this long cannot be served."""
CANARY_DEATHS = 3
"""A candidate whose own server has died this often cannot be served."""
PRIMARY_DEATHS = 2
"""A candidate cannot be served if the primary, which has been loading it, has died this often since."""
SILENT_SECONDS = 60.0
"""How long there is at least no evidence before a stage that has had its time counts as without evidence."""

FAULT_GRACE_SECONDS = 3.0
"""A fault of the candidate counts when it has been seen for this long: what a server reported
before it read its new configuration is no fault."""

CONTROLLER = "controller"
"""Who does what nobody ordered."""


@dataclass(frozen=True)
class Signal:
    """An event, why it happened (sentences), and who caused it."""

    event: Event
    reason: str
    by: str = CONTROLLER
    about: tuple[str, ...] = ()
    """Of a question: what the judge asks about (`Verdict.asking`); nothing where a stage is over."""


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
        return Signal(way_back(plan, state, Event.REGRESSED), reason)
    if verdict.call is Call.ASK and possible(state.phase, Event.ASK) and not set(verdict.asking) <= set(state.asked):
        return Signal(Event.ASK, reason, about=verdict.asking)
    if state.phase is not Phase.RUNNING or state.judge.stage != state.stage:
        return None  # Windows from before the present stage, or while somebody else decides, can only speak against.
    stage = plan.stages[state.stage]
    if verdict.call in (Call.ADVANCE, Call.PASS):
        return Signal(Event.ASK if stage.approval else onward(plan, state), reason)
    if verdict.call is Call.INCONCLUSIVE:
        if stage.on_inconclusive == "rollback":
            return Signal(way_back(plan, state, Event.INCONCLUSIVE), f"{reason} The plan rolls back then.")
        if stage.on_inconclusive == "ask":
            return Signal(Event.ASK, f"{reason} The plan asks a person then.")
        # Going on without a decision takes a canary that was really looked at and speaks rather for itself.
        seen = all(gate.passed for name, gate in verdict.gates.items() if name == "requests")
        if stage.on_inconclusive == "advance" and seen and verdict.e_value <= 1:
            return Signal(onward(plan, state), f"{reason} The plan goes on then.")
    return None


def onward(plan: Plan, state: RolloutState) -> Event:
    """What follows the present stage when it is over."""
    if state.stage < len(plan.stages) - 1:
        return Event.ADVANCE
    return Event.PASSED_AT_ONCE if plan.promotion == "automatic" else Event.PASSED


def way_back(plan: Plan, state: RolloutState, event: Event) -> Event:
    """`event`, which rolls back at once, or the first of the plan's steps back where there is any from the present share."""
    steps = state.wanted is not None and next_step_back(plan, state.wanted.split) is not None
    return Event.STEP_BACK if steps and possible(state.phase, Event.STEP_BACK) else event


def of_serving(plan: Plan, state: RolloutState, observed: ObservedState) -> Signal | None:
    """Whether what the phase waits for has come: the candidate ready, or the wanted state in force."""
    if state.wanted is None:
        return None
    applied = observed.generation >= state.wanted.generation
    if state.phase is Phase.LOADING and candidate_serves(state, observed):
        return Signal(Event.READY, f"Version {state.version} is loaded; stage 1 begins: {in_words(plan.stages[0])}.")
    live = applied or _traffic_is_there(state, observed)
    if state.phase is Phase.GOING_LIVE and live:
        event = Event.PASSED_AT_ONCE if plan.promotion == "automatic" else Event.PASSED
        return Signal(event, f"Version {state.version} is live as the first version, without a canary.")
    if state.phase is Phase.PROMOTING and live:
        return Signal(Event.APPLIED, f"Version {state.version} is live for everybody.")
    if state.phase is Phase.ROLLING_BACK and (applied or _traffic_is_back(state, observed)):
        return Signal(Event.APPLIED, state.reason)
    return None


def in_force(state: RolloutState, observed: ObservedState) -> bool:
    """Whether the traffic that the stage wants is what the gateway confirmed, and the candidate answers it."""
    wanted = state.wanted
    return (
        wanted is not None
        and observed.split == wanted.split
        and (Track.SHADOW in observed.routes) == (wanted.mirror > 0)
        and candidate_serves(state, observed)
    )


def candidate_serves(state: RolloutState, observed: ObservedState) -> bool:
    """Whether the candidate is AVAILABLE under its label, and the gateway has a route to it."""
    route = None if state.wanted is None else routes(state.wanted).get(Track.CANARY)
    return route is not None and observed.routes.get(Track.CANARY) == route and serves(observed, route, state.version)


def _traffic_is_there(state: RolloutState, observed: ObservedState) -> bool:
    """Whether the candidate has all the traffic, though something else of the wanted state is not there (a pinned version)."""
    not_awaited = observed.fault is not None or state.held_since
    return not_awaited and _without_canary(observed) and _is_live(state.version, observed)


def _traffic_is_back(state: RolloutState, observed: ObservedState) -> bool:
    """Whether the canary has neither weight nor route, though something else of the wanted state cannot be had, or, where that
    was only asked for since, is not there."""
    not_awaited = observed.fault is not None or (state.held_since and _is_live(state.stable, observed))
    return not_awaited and _without_canary(observed)


def _without_canary(observed: ObservedState) -> bool:
    return observed.split == Split() and Track.CANARY not in observed.routes


def _is_live(version: int | None, observed: ObservedState) -> bool:
    """Whether stable's requests are answered by this version; for None, whether there are no such requests."""
    route = observed.routes.get(Track.STABLE)
    return route is None if version is None else route is not None and serves(observed, route, version)


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


def of_fault(state: RolloutState, fault: str | None, now: float) -> Signal | None:
    """What follows from a candidate that cannot be served, once that has lasted."""
    if fault is None or not has_lasted(state.fault_since, now) or not possible(state.phase, Event.UNSERVABLE):
        return None
    return Signal(Event.UNSERVABLE, f"The candidate cannot be served: {fault}.")


def has_lasted(fault_since: float | None, now: float) -> bool:
    """Whether a fault that was seen first then counts by now."""
    return fault_since is not None and now - fault_since >= FAULT_GRACE_SECONDS


def of_overruling(cause: Cause) -> Signal:
    """What follows when somebody else has moved traffic."""
    reason = f"{cause.by} has changed the desired state ({cause.why}), so the rollout ends here."
    return Signal(Event.OVERRULED, reason, cause.by)


def of_time(plan: Plan, state: RolloutState, now: float) -> Signal | None:
    """What follows from the time that a phase has lasted. `now` in seconds since the epoch."""
    lasted = now - state.phase_since
    if state.phase is Phase.HOLDING and lasted >= plan.promotion_deadline_seconds:
        promote = plan.on_deadline == "promote"
        done = "is promoted" if promote else "is rolled back"
        reason = f"Nobody promoted it within {plan.promotion_deadline_seconds:g} s; by the plan it {done} then."
        return Signal(Event.DEADLINE_PROMOTE if promote else way_back(plan, state, Event.DEADLINE_ROLLBACK), reason)
    if state.phase is Phase.STEPPING_BACK and lasted >= plan.step_back.step_seconds:
        return Signal(way_back(plan, state, Event.STEPPED_BACK), state.reason)
    if state.phase in (Phase.LOADING, Phase.GOING_LIVE, Phase.PROMOTING) and lasted >= LOADING_SECONDS:
        return Signal(Event.UNSERVABLE, f"Version {state.version} was not in force {LOADING_SECONDS:g} s after it was asked for.")
    return None


def of_silence(plan: Plan, state: RolloutState, now: float, silent_for: float) -> Signal | None:
    """What follows when a stage has had its time while no window could be closed, so that no verdict can end it.

    `silent_for`: seconds for which somebody has been looking and nothing was heard.
    """
    if state.phase is not Phase.RUNNING or now - state.stage_since < plan.stages[state.stage].max_seconds:
        return None
    if silent_for < SILENT_SECONDS + 2 * (plan.window_seconds + plan.waiting_seconds):
        return None
    stage = plan.stages[state.stage]
    reason = (
        f"Stage {state.stage + 1} has had its {stage.max_seconds:g} s, and there has been no evidence for {silent_for:.0f} s: "
        "its traffic is not in force, or the gateway tells of no requests."
    )
    if stage.on_inconclusive == "rollback":
        return Signal(way_back(plan, state, Event.INCONCLUSIVE), f"{reason} The plan rolls back then.")
    return Signal(Event.ASK, f"{reason} Nothing watches the candidate, so a person is asked.")


def is_watched(state: RolloutState) -> bool:
    """Whether windows are closed and judged: the canary has traffic, or is about to get it."""
    return state.phase in WATCHED and not state.first_version


def in_words(stage: Stage) -> str:
    """What traffic the candidate gets in a stage."""
    if stage.kind == "shadow":
        return f"copies of {stage.mirror * 100:.4g} % of the requests"
    return "those who ask for it by header" if stage.kind == "header" else f"{stage.split.canary / 100:g} % of the traffic"
