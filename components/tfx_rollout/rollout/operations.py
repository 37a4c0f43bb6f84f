"""What the command, the TFX executors and the API ask for: start a rollout, send it an order, read, await.

All of it goes through the base path's files; the supervisor, which may run elsewhere, does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.errors import Conflict, NotFound, RolloutInProgress
from tfx_rollout.evidence import Window
from tfx_rollout.journal import await_state, give_order
from tfx_rollout.model_store import BasePath, content_digest
from tfx_rollout.rollout.desired_states import returned_to_previous
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.judge import Verdict, begin
from tfx_rollout.rollout.one_at_a_time import current_rollout, refuse_beside_experiment
from tfx_rollout.rollout.order_signals import of_order
from tfx_rollout.rollout.orders import Expectation, Order, OrderKind
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.traffic import Cause, DesiredState


@dataclass(frozen=True)
class RolloutRecord:
    """Everything that was recorded about one rollout."""

    id: str
    plan: Plan
    state: RolloutState
    windows: list[Window] = field(default_factory=list)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    """By the number of the window after which they were given."""
    events: list[dict[str, Any]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    """All that was asked for; the state says how many of them were taken up."""


def start_rollout(base: BasePath, version: int, plan: Plan, *, by: str, why: str) -> str:
    """Submit a rollout of `version`; the supervisor carries it out. Returns its id.

    Where nothing is live yet the version goes live without a canary. Raises `NotFound` for an
    unknown version, `Conflict` for one that is live already, `ExperimentInProgress` while an A/B
    test runs, and `RolloutInProgress` while another rollout runs and the plan says `refuse`; by `queue` it waits, by
    `supersede` the
    other ones are rolled back first.
    """
    if version not in base.versions():
        raise NotFound("version", version, f"the base path {base.path}", base.versions())
    digest = _digest(base, version)
    with base.lock():
        refuse_beside_experiment(base)
        states = list_rollouts(base)
        unfinished = [state for state in states if not state.finished]
        if not unfinished and base.desired().stable == version:
            raise Conflict(f"Version {version} of model {base.name!r} is live already; push a new version and roll that one out.")
        if unfinished and plan.on_running == "refuse":
            running = unfinished[0]
            raise RolloutInProgress(base.name, running.id, running.version)
        now = time.time()
        attempt = sum(state.digest == digest and state.outcome == "rolled_back" and state.windows > 0 for state in states)
        state = RolloutState(
            id=Journal.new_id(base, f"v{version}", now),
            model=base.name,
            version=version,
            digest=digest,
            plan_name=plan.name,
            judge=begin(plan, attempt=attempt),
            by=by,
            why=why,
            created_at=now,
            attempt=attempt,
            phase=Phase.QUEUED if unfinished else Phase.SUBMITTED,
            phase_since=now,
            reason=f"Waits for rollout {unfinished[-1].id} to end." if unfinished else "Waits for the supervisor.",
        )
        Journal(base, state.id).create(plan, state)
        if plan.on_running == "supersede":
            for other in unfinished:
                reasons = f"version {version} takes its place: {why}"
                journal = Journal(base, other.id)
                journal.append_order(Order(len(journal.orders()) + 1, "supersede", by, reasons, now))
        return state.id


def send_order(
    base: BasePath,
    rollout: str,
    kind: OrderKind,
    *,
    by: str,
    why: str,
    expect: Expectation | None = None,
    now: bool = False,
    revision: str | None = None,
) -> Order:
    """Order something of a rollout: `approve`, `promote`, `pause`, `resume`, `skip`, `abort`, `rollback` (`now`: without steps).

    Of orders at once one counts: while it waits to be taken up, any other is refused with `OrderWaiting`. Only
    `supersede` lines up behind it, since it follows from a newer rollout, which is there already.
    Refused with `Conflict` where the rollout is in no phase for it, or `expect` does not hold, and with `StaleRevision`
    where the rollout is not at `revision` (`revision_of`). It is checked again when the supervisor takes it;
    `await_rollout` tells what came of it.
    """
    journal = Journal(base, rollout)
    return give_order(
        journal,
        lambda number: Order(number, kind, by, why, time.time(), expect, now),
        lambda state, order: of_order(journal.plan(), state, order),
        revision=revision,
        lines_up=kind == "supersede",
    )


def rollback_to_previous(base: BasePath, *, by: str, why: str) -> DesiredState:
    """Make the version before the live one live again, at once: both are loaded, only labels change.

    Raises `RolloutInProgress` or `ExperimentInProgress` while one of these runs, `Conflict` where no previous version is kept.
    """
    with base.lock():
        refuse_beside_experiment(base)
        running = running_rollout(base)
        if running is not None:
            raise RolloutInProgress(base.name, running.id, running.version)
        desired = base.desired()
        returned = returned_to_previous(desired, Cause(by, why, time.time()))
        if returned is None:
            raise Conflict(
                f"Model {base.name!r} has no previous version loaded to return to; "
                f"roll out the version you want, one of {base.versions()}."
            )
        return base.write_desired(returned, expected=desired.generation)


def running_rollout(base: BasePath) -> RolloutState | None:
    """The rollout that runs, or else waits to; None when all have ended."""
    return current_rollout(Journal.unfinished(base))


def list_rollouts(base: BasePath) -> list[RolloutState]:
    """The states of all rollouts of a model, oldest first."""
    return Journal.states(base)


def read_rollout(base: BasePath, rollout: str) -> RolloutRecord:
    """Everything about one rollout. Raises `NotFound`."""
    journal = Journal(base, rollout)
    state = journal.state()
    return RolloutRecord(
        rollout,
        journal.plan(),
        state,
        [window for window in journal.windows() if window.number <= state.windows],
        {number: verdict for number, verdict in journal.verdicts().items() if number <= state.windows},
        journal.events(),
        journal.orders(),
    )


def await_rollout(
    base: BasePath,
    rollout: str,
    *,
    until: Callable[[RolloutState], bool] = lambda state: state.decided,
    timeout: float,
    poll: float = 0.2,
) -> RolloutState:
    """Wait for a state, by default until the rollout has ended or holds for the blessing.

    Times in seconds. Answers the state at the timeout if it did not come, so check what it says.
    """
    return await_state(Journal(base, rollout), until, timeout=timeout, poll=poll)


def _digest(base: BasePath, version: int) -> str:
    manifest = base.manifest(version)
    return content_digest(base.version_path(version)) if manifest is None else manifest.digest
