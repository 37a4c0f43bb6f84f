"""The chance of a false decision, measured with the judge itself: at most alpha, over all looks, variants and both directions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx_rollout.evidence.cohorts import Cohort, Said, UserRequests, arrivals, outcomes
from tfx_rollout.evidence.seen_users import SeenUsers
from tfx_rollout.experiment import experiment_from_dict
from tfx_rollout.experiment.judge import (
    ArrivalBatch,
    OutcomeBatch,
    begin_many,
    decided,
    findings,
    fold_arrivals,
    fold_outcomes,
    paired_columns,
)
from tfx_rollout.experiment.simulation import BETTER, HARMFUL, OPEN, WORSE, Course, simulate
from tfx_rollout.traffic import Track

METRICS = {
    "event": {"name": "conversion", "kind": "event"},
    "binary": {"name": "correct", "kind": "binary"},
    "number": {"name": "rating", "kind": "number", "low": 1, "high": 5},
}
LEVELS = {"event": 0.05, "binary": 0.6, "number": 3.0}


def plan(arms: int, kind: str, **changes):
    variants = [{"version": 2 + i, "share": round(1 / arms, 4)} for i in range(arms - 1)]
    metric = {**METRICS[kind], "within_seconds": 60}
    return experiment_from_dict({"header": "x-user-id", "variants": variants, "metric": metric, "min_units": 1, **changes})


def most(alpha: float, runs: int) -> float:
    """What is still within three standard errors of alpha."""
    return alpha + 3 * math.sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize("arms", [2, 3, 6])
@pytest.mark.parametrize("kind", sorted(METRICS))
def test_without_a_difference_false_decisions_stay_below_alpha_though_everything_changes_with_time(kind, arms):
    runs = 200 if kind == "number" else 600
    swing = 0.1 if kind == "number" else 0.5
    course = Course(
        (LEVELS[kind],) * arms,
        users_per_window=50 * arms,
        windows=30,
        trend=lambda window: 1 + swing * math.sin(window / 5),
        says=0.7,
    )
    found = simulate(plan(arms, kind), course, runs=runs, seed=arms)
    assert found.decided.any(axis=1).mean() <= most(0.05, runs)


@pytest.mark.parametrize("arms", [2, 3])
def test_of_a_variant_that_is_worse_no_one_hears_that_it_is_better(arms):
    found = simulate(plan(arms, "event"), Course((0.06,) + (0.05,) * (arms - 1), 300 * arms, 40), runs=400, seed=5)
    assert (found.state == BETTER).any(axis=1).mean() <= most(0.05, 400)
    assert (found.state == WORSE).any(axis=1).mean() > 0.3


def test_a_conversion_of_six_percent_instead_of_five_is_found_and_worse_ones_are_dropped():
    found = simulate(plan(3, "event"), Course((0.05, 0.06, 0.035), 1500, 60), runs=200, seed=3)
    assert (found.state[:, 0] == BETTER).mean() > 0.9
    assert (found.state[:, 1] == BETTER).mean() == 0
    users = np.median(found.window[:, 0]) * 500
    assert users < 17_000, "per arm; a test that looks once at 80 % power takes 8,200"


def test_a_rating_that_is_better_by_a_fifth_of_a_point_is_found():
    found = simulate(plan(2, "number"), Course((3.0, 3.2), 100, 60), runs=100, seed=4)
    assert (found.state[:, 0] == BETTER).mean() > 0.9


def test_where_lower_is_better_the_lower_one_wins():
    course = Course((0.2, 0.1), 200, 30)
    lower = plan(2, "event", metric={**METRICS["event"], "within_seconds": 60, "better": "lower"})
    assert (simulate(lower, course, runs=50, seed=6).state == BETTER).all()


def test_a_sound_variant_is_stopped_for_harm_with_at_most_its_alpha_and_a_failing_one_at_once():
    calm = Course((0.05,) * 3, 300, 40, failures=(0.02,) * 3)
    found = simulate(plan(3, "event", harm={"alpha": 0.05, "tolerance": 1}), calm, runs=400, seed=7)
    assert (found.state == HARMFUL).any(axis=1).mean() <= most(0.05, 400)
    failing = Course((0.05,) * 3, 300, 40, failures=(0.02, 0.2, 0.02))
    found = simulate(plan(3, "event"), failing, runs=100, seed=8)
    assert (found.state[:, 0] == HARMFUL).all()
    assert np.median(found.window[:, 0]) <= 5
    assert (found.state[:, 1] == OPEN).mean() > 0.95


def test_nothing_is_decided_before_each_arm_has_its_users():
    found = simulate(plan(2, "event", min_units=500), Course((0.05, 0.9), 100, 30), runs=20, seed=9)
    assert (found.window[:, 0] >= 8).all()


def visits(rng: np.random.Generator, users: int, windows: int, chance: np.ndarray):
    """Requests of users who come again and again, some far more often than others, and what they say about each."""
    often = rng.geometric(1 / rng.pareto(1.2, users).clip(1, 60))
    whose = np.repeat(np.arange(users), often)
    window = (
        rng.integers(0, windows, users)[whose] + rng.integers(0, windows, whose.size) * (rng.random(whose.size) < 0.7)
    ) % windows
    return whose, window, rng.random(whose.size) < chance[whose]


@pytest.mark.parametrize("kind", ["event", "binary"])
def test_users_who_come_again_and_again_are_counted_once_and_do_not_make_it_err_though_requests_would(kind):
    runs, windows, users = 120, 8, 700
    of_plan = plan(2, kind)
    users_ledger, requests_ledger = begin_many(of_plan, runs), begin_many(of_plan, runs)
    ever = {"users": np.zeros(runs, bool), "requests": np.zeros(runs, bool)}
    courses = [_course(of_plan, np.random.default_rng([11, run]), users, windows, kind) for run in range(runs)]
    for number in range(windows):
        for name, ledger in (("users", users_ledger), ("requests", requests_ledger)):
            batch = OutcomeBatch(
                np.full(runs, number + 1),
                *(np.array([course[name][number][row] for course in courses]) for row in range(3)),
                np.zeros((runs, 2)),
                *paired_columns(of_plan, [[]] * runs),
            )
            ledger = fold_outcomes(of_plan, ledger, batch)
            ever[name] |= (decided(of_plan, ledger, findings(of_plan, ledger)) != OPEN).any(axis=1)
            users_ledger, requests_ledger = (ledger, requests_ledger) if name == "users" else (users_ledger, ledger)
    assert ever["users"].mean() <= most(0.05, runs)
    assert ever["requests"].mean() > 0.2


def _course(of_plan, rng, users, windows, kind):
    """One test: by window the users, known outcomes and positives of both arms, counted by user and by request."""
    arm = (rng.random(users) < 0.5).astype(np.uint8)
    chance = rng.beta(0.3, 2.0, users)
    whose, window, yes = visits(rng, users, windows, chance)
    seen, told = SeenUsers(), {"users": [], "requests": []}
    start = window * 60_000_000 + rng.integers(0, 60_000_000, whose.size)
    order = np.argsort(start)
    whose, window, yes, start = whose[order], window[order], yes[order], start[order]
    ids = np.arange(1, whose.size + 1).astype(np.uint64)
    requests = UserRequests(start, whose.astype(np.uint64) + 1, ids, arm[whose], np.zeros(whose.size, bool))
    for number in range(windows):
        inside = window == number
        part = UserRequests(*(column[inside] for column in (start, requests.user, ids, requests.arm, requests.failed)))
        arrived = arrivals(part, seen)
        seen.add(arrived.users, arrived.arms, arrived.failed)
        cohort = Cohort(arrived.users, arrived.arms, arrived.first_us)
        within = windows * 60_000_000
        kept = cohort.kept(requests, within)
        place = kept["request"].astype(np.int64) - 1
        said = Said(start[place] / 1e6, place, yes[place].astype(float), np.ones(place.size, bool))
        found, _ = outcomes(kind, cohort, kept, said, within)
        arms = [found[track] for track in (Track.STABLE, Track.VARIANT_B)]
        told["users"].append([[getattr(arm, name) for arm in arms] for name in ("users", "counted", "positives")])
        by_request = [[int((requests.arm[inside] == i).sum()) for i in range(2)]] * 2
        told["requests"].append([*by_request, [int(yes[inside & (requests.arm == i)].sum()) for i in range(2)]])
    return told


def test_a_row_has_the_same_bits_whatever_rows_are_beside_it():
    of_plan, rng = plan(3, "event"), np.random.default_rng(12)
    shares = np.full((5, 3), 1 / 3)
    many, alone = begin_many(of_plan, 5), begin_many(of_plan, 1)
    for number in range(1, 6):
        users = rng.integers(50, 90, (5, 3))
        positives, failed = rng.binomial(users, 0.1), rng.binomial(users, 0.05)
        numbers = np.full(5, number)
        empty = paired_columns(of_plan, [[]] * 5)
        arrived = ArrivalBatch(numbers, shares, users, users, failed, users, failed)
        told = OutcomeBatch(numbers, users, users, positives, np.zeros((5, 3)), *empty)
        many = fold_outcomes(of_plan, fold_arrivals(of_plan, many, arrived), told)
        one = ArrivalBatch(*(getattr(arrived, name)[2:3] for name in vars(arrived)))
        one_told = OutcomeBatch(*(getattr(told, name)[2:3] for name in vars(told)))
        alone = fold_outcomes(of_plan, fold_arrivals(of_plan, alone, one), one_told)
        again = fold_outcomes(of_plan, fold_arrivals(of_plan, alone, one), one_told)
        assert all((getattr(again, name) == getattr(alone, name)).all() for name in vars(alone))
    assert all((getattr(many, name)[2] == getattr(alone, name)[0]).all() for name in vars(alone))
