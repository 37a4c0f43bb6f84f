from __future__ import annotations

import random
import tracemalloc
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidInput
from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.series import MOST_POINTS, RESOLUTIONS, Resolution, TimeSeries
from tfx_rollout.traffic import Track

T0 = 1_795_000_200.0
KEY = Key("taxi", Track.STABLE, 1, "grpc")
OTHER = Key("taxi", Track.CANARY, 2, "rest")
COARSE = (Resolution(10, 100), Resolution(60, 600))


def counted(series, since, until, step, now):
    """Requests by the start of their step."""
    span = series.span(since, until, step, now)
    found = Counter()
    for at, _, cell in series.within("taxi", span):
        found[at] += cell.requests
    return dict(found)


def test_requests_are_counted_in_the_step_in_which_they_ended():
    series = TimeSeries()
    for at in (T0, T0 + 9.999, T0 + 10, T0 + 25):
        series.count(at, KEY, "OK", 100)
    assert counted(series, T0, T0 + 30, 10, T0 + 30) == {T0: 2, T0 + 10: 1, T0 + 20: 1}


def test_the_step_that_is_still_counted_shows_and_goes_on():
    series = TimeSeries()
    for number in range(1, 4):
        series.count(T0 + number, KEY, "OK", 100)
        assert counted(series, T0, T0 + 10, 10, T0 + 5) == {T0: number}


def test_models_are_kept_apart():
    series = TimeSeries()
    series.count(T0, KEY, "OK", 100)
    series.count(T0, Key("tips", Track.STABLE, 1, "grpc"), "OK", 100)
    assert counted(series, T0, T0 + 10, 10, T0 + 10) == {T0: 1}


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 3000), st.sampled_from([KEY, OTHER])), max_size=80))
def test_every_resolution_counts_the_same_whatever_the_order_of_the_lines(requests):
    series = TimeSeries()
    for offset, key in requests:
        series.count(T0 + offset, key, "OK", 100)
    totals = {step: sum(counted(series, T0 - 1200, T0 + 3600, step, T0 + 3000).values()) for step in (10, 60, 600)}
    assert set(totals.values()) == {len(requests)}


def test_what_is_too_old_for_fine_steps_is_told_in_coarse_ones():
    series = TimeSeries(COARSE)
    for second in range(600):
        series.count(T0 + second, KEY, "OK", 100)
        series.prune(T0 + second)
    assert counted(series, T0 + 540, T0 + 600, 10, T0 + 600) == {T0 + 540 + 10 * n: 10 for n in range(6)}
    # The span reaches back further than steps of 10 s are kept.
    assert series.span(T0 + 240, T0 + 600, 10, T0 + 600).step == 60
    assert counted(series, T0 + 240, T0 + 600, 10, T0 + 600) == {T0 + 240 + 60 * n: 60 for n in range(6)}


def test_a_clock_that_is_set_back_loses_nothing_that_is_counted_afterwards():
    series = TimeSeries(COARSE)
    series.count(T0, KEY, "OK", 100)
    series.count(T0 + 1_000_000, KEY, "OK", 100)
    series.count(T0 + 20, KEY, "OK", 100)
    series.prune(T0 + 20)
    assert counted(series, T0, T0 + 30, 10, T0 + 30) == {T0: 1, T0 + 20: 1}
    assert counted(series, T0 + 999_990, T0 + 1_000_010, 10, T0 + 1_000_010) == {}


def test_beyond_the_bound_the_oldest_steps_go_first():
    series = TimeSeries(COARSE, most_cells=5)
    for step in range(9):
        series.count(T0 + 10 * step, KEY, "OK", 100)
    series.count(T0 + 90, KEY, "OK", 100)
    series.prune(T0 + 90)
    assert counted(series, T0, T0 + 90, 10, T0 + 90) == {T0 + 10 * step: 1 for step in range(4, 9)}


def test_memory_does_not_grow_with_the_traffic():
    rng = random.Random(1)

    def fill(series, first, seconds, rate):
        for second in range(first, first + seconds):
            for _ in range(rate):
                series.count(T0 + second, rng.choice((KEY, OTHER)), "OK", rng.lognormvariate(8, 0.5))
            series.prune(T0 + second)

    tracemalloc.start()
    series = TimeSeries((Resolution(10, 100), Resolution(60, 300)))
    fill(series, 0, 400, 10)
    before, _ = tracemalloc.get_traced_memory()
    fill(series, 400, 800, 40)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after < 1.5 * before


def test_a_span_is_widened_to_whole_steps():
    span = TimeSeries().span(T0 + 1, T0 + 899, 25, T0 + 900)
    assert span.step == 30
    assert span.since <= T0 + 1
    assert span.until >= T0 + 899
    assert span.since % 30 == span.until % 30 == 0


def test_asking_for_far_more_time_than_is_kept_takes_no_longer():
    series = TimeSeries()
    series.count(T0, KEY, "OK", 1000)
    # Looked through step by step, this would not come back for years.
    assert sum(counted(series, 0, 1e18, None, T0).values()) == 1


@pytest.mark.parametrize("hours", [0.01, 0.25, 1, 6, 24, 24 * 13])
def test_without_a_step_there_are_some_hundred_points(hours):
    span = TimeSeries().span(T0 - hours * 3600, T0, None, T0)
    assert (span.until - span.since) / span.step <= 125
    assert span.width in {resolution.width for resolution in RESOLUTIONS}


@pytest.mark.parametrize(
    ("since", "until", "step", "says"),
    [
        (T0, T0, None, "since must lie before until"),
        (T0, T0 - 1, 10, "since must lie before until"),
        (float("nan"), T0, 10, "since must lie before until"),
        (-1, T0, 10, "since must lie before until"),
        (T0 - 60, T0, 0, "not a number of seconds above 0"),
        (T0 - 60, T0, float("inf"), "not a number of seconds above 0"),
        (0, T0, 600, f"more than {MOST_POINTS}"),
    ],
)
def test_a_span_that_is_none_is_refused_with_a_sentence(since, until, step, says):
    with pytest.raises(InvalidInput, match=says):
        TimeSeries().span(since, until, step, T0)


def test_a_step_that_is_too_fine_for_the_time_is_widened():
    assert TimeSeries().span(T0 - 86_000, T0, 10, T0).step == 60


def test_the_step_that_a_refusal_names_is_taken():
    series = TimeSeries()
    with pytest.raises(InvalidInput) as refusal:
        series.span(T0 - 13 * 86_400, T0, 600, T0)
    enough = float(str(refusal.value).split("give a step of ")[1].split(" s")[0])
    assert series.span(T0 - 13 * 86_400, T0, enough, T0).step == enough
