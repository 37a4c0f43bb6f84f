"""What the command, the API and others ask for: start an A/B test, send it an order, read, await.

All of it goes through the base path's files; the supervisor, which may run elsewhere, does the rest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.errors import Conflict, InvalidInput, NotFound, RolloutInProgress
from tfx_rollout.evidence.expected_metrics import expect_metric
from tfx_rollout.experiment.journal import ExperimentJournal, Moment
from tfx_rollout.experiment.judge import ExperimentVerdict, begin_experiment
from tfx_rollout.experiment.orders import ExperimentOrder, ExperimentOrderKind, of_order
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.journal import await_state, give_order
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout.one_at_a_time import refuse_beside_experiment
from tfx_rollout.rollout.operations import running_rollout
from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class ExperimentRecord:
    """Everything that was recorded about one A/B test."""

    id: str
    plan: ExperimentPlan
    state: ExperimentState
    windows: list[ExperimentWindow] = field(default_factory=list)
    outcomes: list[MaturedWindow] = field(default_factory=list)
    verdicts: dict[Moment, ExperimentVerdict] = field(default_factory=dict)
    """By the window and the window's outcomes after which they were given."""
    events: list[dict[str, Any]] = field(default_factory=list)
    orders: list[ExperimentOrder] = field(default_factory=list)
    """All that was asked for; the state says how many of them were taken up."""


def start_experiment(base: BasePath, plan: ExperimentPlan, *, by: str, why: str, clock: Callable[[], float] = time.time) -> str:
    """Submit an A/B test of the live version against the plan's variants; the supervisor carries it out. Returns its id.

    Raises `NotFound` for an unknown version, `Conflict` where nothing is live or a variant is live itself,
    `RolloutInProgress` and `ExperimentInProgress` while one of these runs, and `InvalidInput` for an end that is past.
    """
    known = base.versions()
    for variant in plan.variants:
        if variant.version not in known:
            raise NotFound("version", variant.version, f"the base path {base.path}", known)
    now = clock()
    if plan.ends_at(now) <= now:
        raise InvalidInput("The A/B test is not begun: its `until` is past already; give a later one, or `max_days`.")
    with base.lock():
        _refuse_beside_another(base)
        live = base.desired().stable
        if live is None:
            raise Conflict(f"Nothing is live of model {base.name!r} that could be compared with; roll a version out first.")
        if live in [variant.version for variant in plan.variants]:
            raise Conflict(f"Version {live} of model {base.name!r} is live, so it is the control already; leave it out.")
        state = ExperimentState(
            id=ExperimentJournal.new_id(base, _in_an_id(plan.name), now),
            model=base.name,
            name=plan.name,
            variants={track: plan.version_of(track) for track in plan.tracks},
            judge=begin_experiment(plan),
            by=by,
            why=why,
            created_at=now,
            ends_at=plan.ends_at(now),
            phase_since=now,
            reason="Waits for the supervisor.",
        )
        expect_metric(base, plan.metric)
        ExperimentJournal(base, state.id).create(plan, state)
        return state.id


def send_experiment_order(
    base: BasePath,
    experiment: str,
    kind: ExperimentOrderKind,
    *,
    by: str,
    why: str,
    variant: Track | str | None = None,
    expect: int | None = None,
    revision: str | None = None,
) -> ExperimentOrder:
    """Order something of an A/B test: `stop` it, or `promote` the version of a `variant` (`variant-b` …).

    Of orders at once one counts: while it waits to be taken up, any other is refused with `OrderWaiting`. `expect` is the
    generation that the order takes for granted (`ExperimentState.generation`). Refused with `Conflict` where the test is in no
    phase for it, or is at another generation, and with `StaleRevision` where it is not at `revision`
    (`revision_of`). It is checked again when the supervisor takes it.
    """
    return give_order(
        ExperimentJournal(base, experiment),
        lambda number: ExperimentOrder(number, kind, by, why, time.time(), _track(variant), expect),
        of_order,
        revision=revision,
    )


def running_experiment(base: BasePath) -> ExperimentState | None:
    """The A/B test that runs; None when all have ended."""
    return next(iter(ExperimentJournal.unfinished(base)), None)


def list_experiments(base: BasePath) -> list[ExperimentState]:
    """The states of all A/B tests of a model, oldest first."""
    return ExperimentJournal.states(base)


def read_experiment(base: BasePath, experiment: str) -> ExperimentRecord:
    """Everything about one A/B test. Raises `NotFound`."""
    journal = ExperimentJournal(base, experiment)
    state = journal.state()
    return ExperimentRecord(
        experiment,
        journal.plan(),
        state,
        [window for window in journal.windows() if window.number <= state.windows],
        [window for window in journal.outcomes() if window.number <= state.matured],
        {
            (window, matured): verdict
            for (window, matured), verdict in journal.verdicts().items()
            if window <= state.windows and matured <= state.matured
        },
        journal.events(),
        journal.orders(),
    )


def await_experiment(
    base: BasePath,
    experiment: str,
    *,
    until: Callable[[ExperimentState], bool] = lambda state: state.decided,
    timeout: float,
    poll: float = 0.2,
) -> ExperimentState:
    """Wait for a state, by default until the A/B test has come to something.

    Times in seconds. Answers the state at the timeout if it did not come, so check what it says.
    """
    return await_state(ExperimentJournal(base, experiment), until, timeout=timeout, poll=poll)


def _refuse_beside_another(base: BasePath) -> None:
    rollout = running_rollout(base)
    if rollout is not None:
        raise RolloutInProgress(base.name, rollout.id, rollout.version)
    refuse_beside_experiment(base)


def _track(variant: Track | str | None) -> Track | None:
    try:
        return None if variant is None else Track(variant)
    except ValueError:
        raise InvalidInput(f"There is no variant {variant!r}; they are called variant-b, variant-c and so on.") from None


def _in_an_id(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32] or "test"
