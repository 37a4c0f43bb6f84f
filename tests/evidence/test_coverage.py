from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence.coverage import HOLE_S, Coverage

LAG_S, SLACK_S = 3.0, 0.1


def heard(*written):
    coverage = Coverage(lag_s=LAG_S, slack_s=SLACK_S)
    return coverage, [at for at in written if coverage.heard(at)]


def test_nothing_is_known_before_the_first_line():
    coverage, _ = heard()
    assert coverage.horizon == 0
    assert not coverage.covers(0, 1)


def test_lines_without_a_hole_vouch_for_what_lies_between_them_less_the_lag():
    coverage, _ = heard(100, 101, 102, 103.5, 105)
    assert coverage.horizon == 102
    assert coverage.covers(100, 102)
    assert not coverage.covers(99.9, 101)
    assert not coverage.covers(100, 102.1)


def test_a_hole_parts_what_is_known():
    coverage, _ = heard(100, 101, 102, 103, 104, 104 + HOLE_S + 0.1, 107, 108, 109, 110)
    assert coverage.covers(100, 101)
    assert not coverage.covers(100, 107)
    assert coverage.covers(106.1, 107)


def test_lines_that_are_lost_part_what_is_known():
    coverage, _ = heard(100, 101, 102, 103)
    coverage.lost()
    for written in (103.5, 105, 106.5, 108):
        coverage.heard(written)
    assert coverage.covers(103.5, 105)
    assert not coverage.covers(99.9, 105)
    assert not coverage.covers(100, 105)


def test_a_little_disorder_is_no_jump():
    coverage, back = heard(100, 101, 100.95, 102, 103, 104)
    assert back == []
    assert coverage.covers(100, 101)


def test_a_clock_that_was_set_back_gives_up_what_repeats_itself():
    coverage, back = heard(100, 102, 104, 106, 108, 110, 103)
    assert back == [103]
    assert coverage.horizon == 100
    assert coverage.covers(100, 103)
    assert not coverage.covers(100, 104)
    for written in (104, 106, 108, 110):
        coverage.heard(written)
    assert coverage.covers(103, 107)
    assert not coverage.covers(102, 107)


def test_what_is_forgotten_is_not_known_and_the_present_stays():
    coverage, _ = heard(100, 102, 104, 106, 110, 112, 114, 116)
    coverage.forget(105)
    assert not coverage.covers(100, 102)
    assert coverage.covers(110, 112)
    coverage.forget(1000)
    assert coverage.covers(110, 112)


@given(st.lists(st.floats(0, 6) | st.floats(-4, -0.2), min_size=1, max_size=40))
def test_no_interval_is_vouched_for_over_the_last_jump_of_the_clock(steps):
    coverage, now, jump = Coverage(lag_s=LAG_S, slack_s=SLACK_S), 1000.0, None
    coverage.heard(now)
    for step in steps:
        if step > HOLE_S or step < 0:
            jump = (min(now, now + step), max(now, now + step))
        now += step
        coverage.heard(now)
    assert coverage.horizon == now - LAG_S
    if jump is not None:
        assert not coverage.covers(jump[0] - 0.01, jump[1] + 0.01)
