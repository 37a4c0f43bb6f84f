"""The rollout as a step of a pipeline: submit it, follow it, settle it.

The supervisor is the one that acts. This step only writes orders and reads states, so it
may be killed at any moment: the rollout goes on, and the step, run again, finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.audit import step_recorded
from tfx_rollout.errors import Conflict, NotFound, OrderWaiting, ServingFault
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import Plan, build_report, render_html
from tfx_rollout.rollout.operations import await_rollout, list_rollouts, read_rollout, send_order, start_rollout
from tfx_rollout.rollout.orders import Expectation, OrderKind
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.steps.page import render_page
from tfx_rollout.supervisor.presence import is_served

SCHEMA = 1
SETTLE_SECONDS = 600.0
"""How long a promotion that was ordered, or the way back, is waited for."""
WINDOWS_A_LINE = 10
"""While a stage goes on, how it stands is said once in so many windows."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of the candidate, as far as it is known when the step ends.

    `outcome` is `not_pushed`, `already_live`, or the rollout's: `holding` (it has passed and
    waits for the last word), `first_version` (live without a canary, since nothing was),
    `promoted`, `rolled_back`, `failed`.
    """

    outcome: str
    passed: bool
    reason: str
    version: int | None = None
    digest: str = ""
    rollout: str = ""
    generation: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """From what `to_json` made. `KeyError`, `TypeError` or `ValueError` for anything else."""
        version = data["version"]
        return cls(
            outcome=str(data["outcome"]),
            passed=bool(data["passed"]),
            reason=str(data["reason"]),
            version=None if version is None else int(version),
            digest=str(data["digest"]),
            rollout=str(data["rollout"]),
            generation=int(data["generation"]),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "outcome": self.outcome,
            "passed": self.passed,
            "reason": self.reason,
            "version": self.version,
            "digest": self.digest,
            "rollout": self.rollout,
            "generation": self.generation,
            **self.details,
        }


def run_canary(
    base: BasePath,
    version: int,
    plan: Plan,
    *,
    by: str,
    why: str,
    once: bool = False,
    timeout_s: float | None = None,
    say: Say = lambda _: None,
) -> Outcome:
    """Roll the version out by the plan and await what becomes of it; `say` gets a line for each change.

    A rollout of this version that is under way is followed, not started anew. With
    `once`, of one that has ended the outcome is told, where the same `by` began it for the same `why`: then
    they name one run of a pipeline, whose step may have been lost after the end. A version that is live already is
    left alone. Raises `NotFound`, `RolloutInProgress`, and
    `ServingFault` where nothing serves the root, or where the rollout is not decided in
    time (`default_timeout` of the plan); it then goes on without us.
    """
    base.adopt()  # what another pusher left has no manifest yet
    manifest = base.manifest(version)
    if manifest is None:
        raise NotFound("version", version, f"the base path {base.path}", base.versions())
    rollout = _under_way(base, version)
    if rollout is None and once:
        ended = next((s for s in reversed(list_rollouts(base)) if (s.version, s.by, s.why) == (version, by, why)), None)
        if ended is not None:
            say(f"rollout {ended.id} of version {version} of {base.name} has ended already")
            return outcome_of(base, ended)
    if rollout is None:
        state = base.desired()
        if state.stable == version:
            reason = f"version {version} has been live since generation {state.generation}, so nothing was moved"
            return Outcome("already_live", True, reason, version, manifest.digest, generation=state.generation)
        require_supervisor(base)
        with step_recorded(base, by, "start a rollout", version=version, plan=plan.name, why=why) as note:
            rollout = start_rollout(base, version, plan, by=by, why=why)
            note(f"rollout {rollout} of version {version} by plan {plan.name}")
        say(f"rollout {rollout} of version {version} of {base.name} begins, by the plan {plan.name}")
    else:
        require_supervisor(base)
        say(f"rollout {rollout} of version {version} of {base.name} is under way; following it")
    ended = follow(base, rollout, lambda s: s.decided, timeout_s or default_timeout(plan), say)
    return outcome_of(base, ended)


def settle(
    base: BasePath, found: Outcome, promote: bool, *, by: str, why: str, timeout_s: float | None = None, say: Say = lambda _: None
) -> Outcome:
    """Give a rollout that holds its last word, once, and await the end of it.

    The order names rollout, generation and digest: it is refused (`Conflict`) where any of
    them is not what was judged. Where the plan keeps the promotion for a person, only a
    roll-back is ordered, and the person's word is awaited. One that was paused, or asks about its candidate, is
    awaited until it holds again. Where somebody else's order waits to be taken up, that one counts, and this one is
    given only if the rollout still holds after it. A rollout that does not hold is left as it is.
    `ServingFault` where the end does not come in time.
    """
    if not found.rollout:
        return found
    plan = read_rollout(base, found.rollout).plan
    if _uninterrupted(base, found.rollout, plan, timeout_s, say).phase is Phase.HOLDING:
        require_supervisor(base)
        persons = promote and plan.promotion == "approval"
        if persons:
            say(f"rollout {found.rollout} waits for a person: `tfx-rollout rollout approve`")
        else:
            _order_in_turn(base, found, plan, "promote" if promote else "rollback", by, why, timeout_s, say)
        most = SETTLE_SECONDS + (plan.promotion_deadline_seconds if persons else 0.0)
        follow(base, found.rollout, lambda s: s.finished, timeout_s or most, say)
    return outcome_of(base, read_rollout(base, found.rollout).state)


def _uninterrupted(base: BasePath, rollout: str, plan: Plan, timeout_s: float | None, say: Say) -> RolloutState:
    """The rollout as it is, once it holds again where that was interrupted."""
    state = read_rollout(base, rollout).state
    if state.interrupted is None or state.interrupted.phase is not Phase.HOLDING:
        return state
    say(f"rollout {rollout} holds no more but is {state.phase}, which a person has to end")
    most = SETTLE_SECONDS + plan.promotion_deadline_seconds
    return follow(base, rollout, lambda s: s.decided, timeout_s or most, say)


def _order_in_turn(
    base: BasePath, found: Outcome, plan: Plan, kind: OrderKind, by: str, why: str, timeout_s: float | None, say: Say
) -> None:
    """Give the order, after what somebody else ordered first; not at all where the rollout holds no more because of that."""
    expected = Expectation(rollout=found.rollout, generation=found.generation, digest=found.digest)
    while True:
        try:
            give_order(base, found.rollout, kind, by=by, why=why, expect=expected)
            return
        except OrderWaiting as first:
            await_taken(base, first, timeout_s or SETTLE_SECONDS, say)
        except Conflict:
            # Somebody else's was taken up since the rollout was looked at, unless it is not the one that was judged.
            state = read_rollout(base, found.rollout).state
            if state.phase is Phase.HOLDING and expected.broken_by(state) is not None:
                raise
        if _uninterrupted(base, found.rollout, plan, timeout_s, say).phase is not Phase.HOLDING:
            return


def give_order(base: BasePath, rollout: str, kind: OrderKind, *, by: str, why: str, expect: Expectation | None = None) -> None:
    """Send an order, for the record. Raises what `send_order` raises."""
    with step_recorded(base, by, f"order to {kind}", rollout=rollout, why=why) as note:
        sent = send_order(base, rollout, kind, by=by, why=why, expect=expect)
        note(f"order {sent.number} of rollout {rollout}")


def await_taken(base: BasePath, order: OrderWaiting, timeout_s: float, say: Say) -> RolloutState:
    """The state after an order that came first was taken up. `ServingFault` when the time is over."""
    say(f"{order.what}, which comes first")
    return follow(base, order.rollout, lambda s: s.finished or s.orders_done >= order.number, timeout_s, say)


def follow(base: BasePath, rollout: str, until: Callable[[RolloutState], bool], timeout_s: float, say: Say) -> RolloutState:
    """Await a state, saying each change of phase and stage on the way, and between them now and then how it stands.

    `ServingFault` when the time is over.
    """
    said: tuple[Phase, int, int] | None = None

    def seen(state: RolloutState) -> bool:
        nonlocal said
        now = (state.phase, state.stage, state.windows // WINDOWS_A_LINE)
        if now != said:
            said = now
            say(progress(state))
        return until(state)

    state = await_rollout(base, rollout, until=seen, timeout=timeout_s)
    if not until(state):
        raise ServingFault(
            f"Rollout {rollout} of {base.name} was not decided within {timeout_s:g} s ({progress(state)}) and goes on; "
            "see to what it waits for, then run this step again to follow it."
        )
    return state


def progress(state: RolloutState) -> str:
    """One line on where a rollout is."""
    parts = [f"version {state.version} of {state.model}: {state.phase}"]
    if state.phase is Phase.RUNNING and state.wanted is not None:
        parts.append(f"stage {state.stage + 1}, {state.wanted.split}")
    if state.phase is Phase.RUNNING and state.verdict is not None:
        parts.append(f"after {state.windows} windows: {state.verdict.call.value}; {' '.join(state.verdict.reasons)}")
    elif state.reason:
        parts.append(state.reason)
    return "; ".join(parts)


def outcome_of(base: BasePath, state: RolloutState) -> Outcome:
    """A rollout's state as the outcome of the step."""
    outcome = state.outcome or state.phase.value
    if state.first_version and state.passed:
        outcome = "first_version"
    return Outcome(
        outcome=outcome,
        passed=state.passed,
        reason=state.reason or f"the rollout is {state.phase}",
        version=state.version,
        digest=state.digest,
        rollout=state.id,
        generation=state.generation,
        details={"first_version": state.first_version, "state": state.to_json(), "live": base.desired().stable},
    )


def page_of(base: BasePath, rollout: str) -> str:
    """The report of a rollout as a page, as it stands now."""
    return render_html(build_report(read_rollout(base, rollout)))


def page_of_outcome(base: BasePath, found: Outcome) -> str:
    """The page of the rollout; where there was none, one that says why."""
    if found.rollout:
        return page_of(base, found.rollout)
    return render_page(f"Rollout of {base.name}", found.outcome.replace("_", " "), found.passed, found.reason)


def default_timeout(plan: Plan) -> float:
    """Seconds after which a rollout that nobody decides is no longer waited for: all stages at their longest, and an hour."""
    return sum(stage.max_seconds for stage in plan.stages) + 3600.0


def require_supervisor(base: BasePath) -> None:
    """Raises `ServingFault` where no supervisor serves the root: an order would lie there for ever."""
    root = base.store.root
    if not is_served(base.store):
        raise ServingFault(f"No supervisor serves {root}, so nothing can be rolled out; start `tfx-rollout serve {root}`.")


def _under_way(base: BasePath, version: int) -> str | None:
    """The unfinished rollout of this version, if there is one."""
    return next((state.id for state in list_rollouts(base) if not state.finished and state.version == version), None)
