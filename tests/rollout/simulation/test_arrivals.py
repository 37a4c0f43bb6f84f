from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import Users
from tfx_rollout.rollout.simulation.arrivals import StickyUsers

BY_REQUEST = load_plan("default")
BY_USER = replace(BY_REQUEST, unit="user", unit_header="x-user-id")
RUNS = 50
ALL_FAIL = Users(number=400, sigma=1.0, failing_share=0.0)


def drawn(source: StickyUsers, share: float, stage: int, failing: float, windows: int):
    rates = np.full((RUNS, 2), failing)
    return [source.draw(50.0, np.full(RUNS, share), np.zeros(RUNS), np.full(RUNS, stage), rates) for _ in range(windows)]


def test_counted_by_request_every_request_is_a_unit():
    source = StickyUsers(BY_REQUEST, ALL_FAIL, RUNS, np.random.default_rng(1))
    (arrivals,) = drawn(source, 0.25, 0, 0.1, 1)
    assert (arrivals.units == arrivals.requests).all()
    assert (arrivals.predicted == arrivals.requests - arrivals.failures).all()
    assert (arrivals.unit_failures == arrivals.failures).all()


def test_a_user_is_a_unit_until_its_first_failure_in_the_stage():
    source = StickyUsers(BY_USER, ALL_FAIL, RUNS, np.random.default_rng(1))
    found = drawn(source, 0.25, 0, 1.0, 200)
    failed = sum(arrivals.unit_failures.sum(axis=1) for arrivals in found)
    assert failed.max() <= ALL_FAIL.number
    assert found[-1].requests.sum() > 0
    assert found[-1].units.sum() <= 0.02 * found[0].units.sum()
    assert all((arrivals.units == arrivals.unit_failures).all() for arrivals in found)


def test_who_has_been_on_the_canary_counts_no_more_in_a_later_stage():
    source = StickyUsers(BY_USER, ALL_FAIL, RUNS, np.random.default_rng(1))
    drawn(source, 0.5, 0, 0.0, 300)
    later = drawn(source, 0.5001, 1, 0.0, 5)
    units, requests = (sum(getattr(arrivals, name) for arrivals in later).sum(axis=0) for name in ("units", "requests"))
    assert requests[0] > 0.8 * requests[1]
    assert units[0] <= 0.02 * requests[0]
    assert units[1] > 0


def test_each_user_is_timed_once_a_stage():
    source = StickyUsers(BY_USER, ALL_FAIL, RUNS, np.random.default_rng(1))
    found = drawn(source, 0.25, 0, 0.0, 100)
    timed = sum(arrivals.timed.sum(axis=1) for arrivals in found)
    assert timed.max() <= ALL_FAIL.number
    assert timed.min() > 0.8 * ALL_FAIL.number
    assert all((arrivals.predicted == arrivals.timed).all() for arrivals in found)
