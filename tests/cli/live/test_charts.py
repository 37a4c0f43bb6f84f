from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tfx_rollout.cli.live.charts import TICKS, evidence_bar, evidence_share, rates, sparkline

numbers = st.none() | st.floats(0, 1e9)


def test_evidence_grows_as_its_logarithm_from_one_to_the_threshold():
    assert [evidence_share(value, 100) for value in (None, 0, 0.5, 1, 10, 100, 1e9)] == [0, 0, 0, 0, 0.5, 1, 1]
    assert math.isclose(evidence_share(math.sqrt(20), 20), 0.5)


def test_what_cannot_be_compared_shows_no_evidence():
    assert evidence_share(math.nan, 20) == 0


def test_a_bar_at_the_threshold_is_full():
    console = Console(width=10)
    with console.capture() as full:
        console.print(evidence_bar(20, 20, 10))
    assert full.get().strip() == "█" * 10


def test_a_sparkline_has_its_last_values_and_gaps_where_there_are_none():
    assert sparkline([9, 0, None, 1, 2, 8], 5) == "▁ ▁▂█"
    assert sparkline([1, 1], 10, most=2) == "▄▄"
    assert sparkline([], 10) == ""


@given(st.lists(numbers, max_size=50), st.integers(0, 60))
def test_a_sparkline_is_as_long_as_there_is_room_and_values(values, width):
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert {*line} <= {*TICKS, " "}


def test_rates_have_no_value_where_there_was_nothing():
    assert rates([1, 0, 0], [4, 2, 0]) == [0.25, 0, None]
