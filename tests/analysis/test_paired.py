from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.analysis import paired_bet, paired_rate

NEEDED = math.log(20)


def pairs_needed(worse: float, better: float, *, per_window: int, windows: int, runs: int) -> np.ndarray:
    """Pairs after which 20 is reached with a margin of 1 point, inf where it never is: `(runs,)`."""
    rng = np.random.default_rng(1)
    past, log, needed = np.zeros((3, runs)), np.zeros(runs), np.full(runs, np.inf)
    for window in range(1, windows + 1):
        pairs = rng.multinomial(per_window, [worse, 1 - worse - better, better], runs).T
        log = log + paired_bet(*pairs, paired_rate(*past, 0.01), 0.01)
        past = past + pairs
        needed[(log >= NEEDED) & np.isinf(needed)] = window * per_window
    return needed


def test_a_loss_of_three_points_is_found_in_about_1400_pairs():
    """90 % right against 87 %: the versions disagree on 9 % of the requests."""
    needed = pairs_needed(0.06, 0.03, per_window=50, windows=200, runs=300)
    assert np.isfinite(needed).mean() >= 0.99
    assert 1100 <= np.median(needed) <= 1600


def test_a_loss_of_ten_points_is_found_in_some_150_pairs():
    assert np.median(pairs_needed(0.13, 0.03, per_window=10, windows=100, runs=300)) <= 170


@pytest.mark.parametrize(("worse", "better"), [(0.01, 0.0), (0.06, 0.05), (0.3, 0.29)])
def test_a_loss_of_just_the_margin_is_seldom_taken_for_more(worse, better):
    alarms = np.isfinite(pairs_needed(worse, better, per_window=20, windows=400, runs=1000))
    assert alarms.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 0.5))
def test_no_pair_can_ruin_the_evidence(worse, same, better, margin):
    rate = paired_rate(worse, same, better, margin)
    assert 0 <= rate < 1 / (1 + margin)
    assert np.isfinite(paired_bet(0, 0, 1000, rate, margin))


@given(st.floats(0, 1), st.floats(0, 0.5), st.data())
def test_the_factor_of_a_pair_has_a_mean_of_one_at_the_margin(part, margin, data):
    rate = 0.9 / (1 + margin) * part
    better = data.draw(st.floats(0, (1 - margin) / 2))
    shares = np.array([better + margin, 1 - margin - 2 * better, better])
    factors = np.exp([paired_bet(*pair, rate, margin) for pair in np.eye(3)])
    assert float((shares * factors).sum()) == pytest.approx(1, abs=1e-12)


def test_a_window_bets_as_its_pairs_one_by_one():
    rate, margin = 0.3, 0.01
    singles = 4 * paired_bet(1, 0, 0, rate, margin) + 90 * paired_bet(0, 1, 0, rate, margin) + paired_bet(0, 0, 1, rate, margin)
    assert float(paired_bet(4, 90, 1, rate, margin)) == pytest.approx(float(singles), abs=1e-12)


def test_while_the_canary_is_no_worse_nothing_is_staked():
    assert paired_rate(10, 1000, 40, 0.01) == 0
    assert paired_bet(5, 100, 3, 0.0, 0.01) == 0


@given(st.lists(st.tuples(*[st.integers(0, 400)] * 3), min_size=1, max_size=9))
def test_an_elements_bits_do_not_depend_on_the_batch(rows):
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    rates = paired_rate(*columns, 0.01)
    bets = paired_bet(*columns, rates, 0.01)
    for row, rate, bet in zip(rows, rates, bets, strict=True):
        assert paired_rate(*row, 0.01).tobytes() == rate.tobytes()
        assert paired_bet(*row, rate, 0.01).tobytes() == bet.tobytes()
