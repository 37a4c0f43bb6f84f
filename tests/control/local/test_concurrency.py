"""Operators at once, in processes of their own: exactly one wins, the others are told."""

from __future__ import annotations

from functools import partial

import pytest

from tfx_rollout.control.documents import ConfigurationWanted, OrderWanted
from tfx_rollout.errors import OrderWaiting, RolloutInProgress, StaleGeneration, StaleRevision
from tfx_rollout.rollout import read_rollout

pytestmark = pytest.mark.integration

OPERATORS = [2, 3, 8]


def outcomes(results, refusal):
    """The results of who won; everybody else must have been refused like this."""
    lost = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(error, refusal) for error in lost), lost
    return [result for result in results if not isinstance(result, BaseException)]


@pytest.mark.parametrize("operators", OPERATORS)
def test_of_orders_at_once_exactly_one_is_taken_down_and_the_others_are_told_which(
    base, control, asked_by, wanted, at_once, operators
):
    started = control.start_rollout("taxi", wanted(2))
    kinds = ["abort", "rollback"] * operators
    acts = [partial(asked_by(f"operator {n}").order, "taxi", started.id, OrderWanted(kind=kinds[n])) for n in range(operators)]
    results = at_once(acts)
    (won,) = outcomes(results, OrderWaiting)
    assert [order.by for order in read_rollout(base, started.id).orders] == [won.by]
    assert all(won.by in str(result) for result in results if isinstance(result, OrderWaiting))
    statuses = [entry.status for entry in control.audit().entries if entry.action.startswith("order")]
    assert sorted(statuses) == [200, *[409] * (operators - 1)]


@pytest.mark.parametrize("operators", OPERATORS)
def test_of_orders_about_one_revision_at_once_exactly_one_wins(control, asked_by, wanted, at_once, operators):
    started = control.start_rollout("taxi", wanted(2))
    act = OrderWanted(kind="abort")
    acts = [
        partial(asked_by(f"operator {n}").order, "taxi", started.id, act, expected=started.revision) for n in range(operators)
    ]
    assert len(outcomes(at_once(acts), (StaleRevision, OrderWaiting))) == 1


@pytest.mark.parametrize("operators", OPERATORS)
def test_of_changes_of_one_generation_at_once_exactly_one_wins(base, asked_by, at_once, operators):
    acts = [
        partial(asked_by(f"operator {n}").configure, "taxi", ConfigurationWanted(aliases={f"of-{n}": 2}, why="mine"), expected=1)
        for n in range(operators)
    ]
    results = at_once(acts)
    (won,) = outcomes(results, StaleGeneration)
    assert won.configuration.generation == base.desired().generation == 2
    assert won.configuration.desired["aliases"] == dict(base.desired().aliases)
    assert all(result.found == 2 for result in results if isinstance(result, StaleGeneration))


@pytest.mark.parametrize("operators", OPERATORS)
def test_changes_at_once_that_name_no_generation_all_come_and_none_is_lost(base, asked_by, at_once, operators):
    acts = [partial(asked_by(f"operator {n}").set_alias, "taxi", f"of-{n}", 2, why="mine") for n in range(operators)]
    results = at_once(acts)
    assert sorted(change.configuration.generation for change in results) == list(range(2, operators + 2))
    assert set(base.desired().aliases) == {f"of-{n}" for n in range(operators)}


@pytest.mark.parametrize("operators", OPERATORS)
def test_of_rollouts_started_at_once_exactly_one_begins(base, control, asked_by, wanted, at_once, operators):
    acts = [partial(asked_by(f"operator {n}").start_rollout, "taxi", wanted(2 + n % 2)) for n in range(operators)]
    (won,) = outcomes(at_once(acts), RolloutInProgress)
    assert [rollout.id for rollout in control.rollouts("taxi").rollouts] == [won.id]


def test_a_rollout_and_changes_at_once_never_end_the_rollout(base, control, asked_by, wanted, at_once, supervised):
    """Whatever comes first: names are given before the rollout begins, or beside it."""
    changes = [partial(asked_by(f"operator {n}").set_alias, "taxi", f"of-{n}", 3, why="mine") for n in range(5)]
    *results, started = at_once([*changes, partial(control.start_rollout, "taxi", wanted(2, promotion="automatic"))])
    assert outcomes(results, RolloutInProgress) == results
    with supervised(base):
        *_, last = control.follow_rollout("taxi", started.id)
    assert last["outcome"] == "promoted"
    assert set(base.desired().aliases) == {f"of-{n}" for n in range(5)}
