from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.supervisor.backoff import LONGEST_DELAY_S, STEADY_AFTER_S, Backoff


def test_the_first_start_is_not_delayed_and_deaths_in_a_row_double_the_delay():
    backoff, delays = Backoff(), []
    for _ in range(5):
        delays.append(backoff.delay_s)
        backoff = backoff.died(uptime_s=1)
    assert delays == [0, 0.2, 0.4, 0.8, 1.6]


def test_a_process_that_ran_steadily_is_started_again_quickly():
    assert Backoff(deaths=9).died(STEADY_AFTER_S).delay_s == 0.2


@given(st.lists(st.floats(0, STEADY_AFTER_S - 1), min_size=1, max_size=50), st.integers(0, 10**6))
def test_the_delay_only_grows_while_it_keeps_dying_and_stays_bounded(uptimes, deaths):
    backoff = Backoff(deaths)
    for uptime in uptimes:
        after = backoff.died(uptime)
        assert backoff.delay_s <= after.delay_s <= LONGEST_DELAY_S
        backoff = after
