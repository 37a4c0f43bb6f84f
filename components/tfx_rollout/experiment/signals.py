"""What the world says to the machine of an A/B test: verdicts, observations and time, as events. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tfx_rollout.experiment.judge import ArmState, ExperimentVerdict
from tfx_rollout.experiment.judge.sentences import effect, named
from tfx_rollout.experiment.machine import ExperimentEvent, ExperimentPhase
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.state import ExperimentOutcome, ExperimentState
from tfx_rollout.rollout.judge.sentences import names
from tfx_rollout.rollout.signals import has_lasted
from tfx_rollout.traffic import Cause, DesiredState, Label, ObservedState, Track, VersionState, primary_server, routes, serves

LOADING_SECONDS = 900.0
"""Variants that are not in force after this long cannot be served."""
PRIMARY_DEATHS = 2
"""Variants cannot be served if the primary server, which has been loading them, has died this often since."""

CONTROLLER = "controller"
"""Who does what nobody ordered."""


@dataclass(frozen=True)
class ExperimentSignal:
    """An event, why it happened (sentences), who caused it, and what the test came to by it, if anything."""

    event: ExperimentEvent
    reason: str
    by: str = CONTROLLER
    outcome: ExperimentOutcome | None = None
    winner: Track | None = None
    promoted: int | None = None
    drop: tuple[Track, ...] = ()


def of_beginning(state: ExperimentState, desired: DesiredState, versions: Collection[int]) -> ExperimentSignal:
    """Whether a submitted test begins."""
    gone = [version for version in state.variants.values() if version not in versions]
    if gone:
        said = f"Version {gone[0]} is not in the base path any more."
        return ExperimentSignal(ExperimentEvent.IMPOSSIBLE, said, outcome="failed")
    if desired.stable is None or desired.stable in state.variants.values():
        said = "Nothing is live" if desired.stable is None else f"Version {desired.stable}, a variant of the test, is live"
        return ExperimentSignal(
            ExperimentEvent.IMPOSSIBLE, f"{said}, so that there is nothing to compare with.", outcome="failed"
        )
    loaded = names([f"version {version} as {track}" for track, version in state.variants.items()])
    return ExperimentSignal(
        ExperimentEvent.BEGIN, f"{loaded[0].upper()}{loaded[1:]} loads beside version {desired.stable}, without traffic."
    )


def of_verdict(plan: ExperimentPlan, state: ExperimentState, verdict: ExperimentVerdict) -> ExperimentSignal | None:
    """What follows from the verdict after a window; None when the test just goes on."""
    reason = " ".join(verdict.reasons)
    if state.phase is ExperimentPhase.HOLDING:
        return _while_held(state, verdict, reason)
    if state.phase is not ExperimentPhase.RUNNING:
        return None
    if verdict.winner is not None:
        return _won(plan, state, verdict, verdict.winner, reason)
    drop = tuple(track for track in verdict.drop if track in state.left)
    return _without(state, drop, reason) if drop else None


def of_serving(plan: ExperimentPlan, state: ExperimentState, observed: ObservedState) -> ExperimentSignal | None:
    """Whether what the phase waits for has come: the variants ready, or the wanted state in force."""
    if state.wanted is None:
        return None
    if state.phase is ExperimentPhase.LOADING and variants_serve(state, observed):
        return ExperimentSignal(ExperimentEvent.READY, f"The variants are loaded; the test begins: {plan.split}.")
    applied = observed.generation >= state.wanted.generation or _traffic_is_there(state, state.wanted, observed)
    if state.phase is ExperimentPhase.ENDING and applied:
        return ExperimentSignal(ExperimentEvent.APPLIED, state.reason)
    return None


def in_force(state: ExperimentState, observed: ObservedState) -> bool:
    """Whether the split that is wanted is what the gateway confirmed, and the variants answer it."""
    return state.wanted is not None and observed.split == state.wanted.split and variants_serve(state, observed)


def _traffic_is_there(state: ExperimentState, wanted: DesiredState, observed: ObservedState) -> bool:
    """Whether all traffic goes where the test's end wants it, though something else of it is not there (a pinned version)."""
    not_awaited = observed.fault is not None or state.held_since
    found, route = routes(wanted), observed.routes.get(Track.STABLE)
    there = (observed.split, dict(observed.routes)) == (wanted.split, found)
    return not_awaited and there and route is not None and serves(observed, route, wanted.labels[Label.STABLE])


def variants_serve(state: ExperimentState, observed: ObservedState) -> bool:
    """Whether each variant that is in the test is AVAILABLE under its label, and the gateway has a route to it."""
    if state.wanted is None:
        return False
    wanted = routes(state.wanted)
    return all(
        (route := wanted.get(track)) is not None
        and observed.routes.get(track) == route
        and serves(observed, route, state.variants[track])
        for track in state.left
    )


def serving_fault(state: ExperimentState, observed: ObservedState) -> str | None:
    """Why the variants cannot be served, as far as the servers show it while they load."""
    if state.phase is not ExperimentPhase.LOADING:
        return None
    for server in observed.servers:
        for version in state.variants.values():
            ended = server.versions.get(version) is VersionState.END and version in server.configured_versions
            if ended and server.errors.get(version):
                return f"version {version} does not load on {server.name}: {server.errors[version]}"
        deaths = server.restarts - state.primary_restarts
        if server.name == primary_server(state.model) and deaths >= PRIMARY_DEATHS:
            return f"the model server {server.name} has died {deaths} times since it was to load the variants"
    return None


def of_fault(state: ExperimentState, fault: str | None, now: float) -> ExperimentSignal | None:
    """What follows from variants that cannot be served, once that has lasted."""
    return None if fault is None or not has_lasted(state.fault_since, now) else _unservable(fault)


def of_overruling(state: ExperimentState, cause: Cause) -> ExperimentSignal:
    """What follows when somebody else has moved traffic."""
    reason = f"{cause.by} has changed the desired state ({cause.why}), so the test ends here."
    return ExperimentSignal(ExperimentEvent.OVERRULED, reason, cause.by, outcome=state.outcome or "failed")


def of_time(plan: ExperimentPlan, state: ExperimentState, now: float) -> ExperimentSignal | None:
    """What follows from the time. `now` in seconds since the epoch."""
    if state.phase is ExperimentPhase.LOADING and now - state.phase_since >= LOADING_SECONDS:
        return _unservable(f"they were not in force {LOADING_SECONDS:g} s after they were asked for")
    if state.phase is ExperimentPhase.RUNNING and now >= state.ends_at:
        return ExperimentSignal(
            ExperimentEvent.RESTORE,
            f"The test has had its time without a decision. {_what_is_left(plan, state)}",
            outcome="inconclusive",
        )
    return None


def _unservable(fault: str) -> ExperimentSignal:
    return ExperimentSignal(ExperimentEvent.RESTORE, f"The variants cannot be served: {fault}.", outcome="failed")


def _won(
    plan: ExperimentPlan, state: ExperimentState, verdict: ExperimentVerdict, winner: Track, reason: str
) -> ExperimentSignal:
    others = [named(arm) for arm in verdict.arms.values() if arm.state is ArmState.BETTER and arm.track is not winner]
    if others:
        reason += f" {' and '.join(others)} too; between variants nothing is proven, the better estimate counts."
    version = state.variants[winner]
    if plan.on_decision == "promote":
        reason += f" By the plan version {version} becomes live."
        return ExperimentSignal(ExperimentEvent.PROMOTE, reason, outcome="winner", winner=winner, promoted=version)
    if plan.on_decision == "hold":
        return ExperimentSignal(
            ExperimentEvent.HOLD, f"{reason} By the plan the split stays until a person ends it.", outcome="winner", winner=winner
        )
    return ExperimentSignal(
        ExperimentEvent.RESTORE, f"{reason} By the plan the live version gets all traffic back.", outcome="winner", winner=winner
    )


def _while_held(state: ExperimentState, verdict: ExperimentVerdict, reason: str) -> ExperimentSignal | None:
    """Only harm counts while the split is held after a decision."""
    drop = tuple(track for track in verdict.drop if track in state.left and verdict.arms[track].state is ArmState.HARMFUL)
    return _without(state, drop, reason) if drop else None


def _without(state: ExperimentState, drop: tuple[Track, ...], reason: str) -> ExperimentSignal:
    """These variants leave the test; without any left, or without the winner, it is over."""
    if set(drop) >= set(state.left) or state.winner in drop:
        said = f"{reason} There is no variant left to go on with." if set(drop) >= set(state.left) else reason
        return ExperimentSignal(ExperimentEvent.RESTORE, said, outcome="control", drop=drop)
    return ExperimentSignal(ExperimentEvent.DROP, f"{reason} Its share goes back to the live version.", drop=drop)


def _what_is_left(plan: ExperimentPlan, state: ExperimentState) -> str:
    if state.verdict is None:
        return "No window was judged."
    told = [
        f"{named(arm)}: {effect(plan, arm)}" for track, arm in state.verdict.arms.items() if track in state.left and arm.outcomes
    ]
    if not told:
        return "No outcome of any variant is known."
    withheld = [guard.sentence for guard in state.verdict.guards.values() if guard.raised]
    return " ".join([f"What is left: {'; '.join(told)}.", *withheld])
