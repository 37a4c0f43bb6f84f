"""Windows tile the time under one split: no overlap, no hole, none over a change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import IntervalCounts
from tfx_rollout.rollout import segments
from tfx_rollout.rollout.segments import Interval
from tfx_rollout.rollout.state import Segment
from tfx_rollout.traffic import ObservedState, Split

TEN = Split.of(0.1)


@given(st.floats(0, 100), st.none() | st.floats(0, 100), st.floats(0.5, 30), st.lists(st.floats(0, 40), max_size=20))
def test_windows_tile_a_segment_and_wait_for_the_horizon(since, length, seconds, pauses):
    segment, until = Segment(TEN, since, since), None if length is None else since + length
    judged, horizon, ends = 0.0, since, [since]
    for pause in pauses:
        horizon += pause
        while (interval := segments.next_interval(segment, judged, until, seconds=seconds, horizon=horizon)) is not None:
            assert interval.start == ends[-1]
            assert interval.start < interval.end <= horizon
            assert until is None or interval.end <= until
            assert interval.closed_by == ("split" if interval.end == until else "time")
            assert interval.closed_by == "split" or interval.end == interval.start + seconds
            judged = interval.end
            ends.append(judged)
        if segments.is_over(segment, judged, until):
            assert max(since, judged) == until
            return
        assert horizon < ends[-1] + seconds


def test_a_segment_lasts_until_another_split_or_the_same_one_anew_is_in_force():
    segment = Segment(TEN, 10.0, 10.0)
    assert segments.end_of(segment, ObservedState("m", split=TEN, split_since=10.0)) is None
    assert segments.end_of(segment, ObservedState("m", split=Split(), split_since=17.0)) == 17.0
    assert segments.end_of(segment, ObservedState("m", split=TEN, split_since=18.0)) == 18.0


def test_a_segment_that_is_cut_lasts_until_then_though_the_same_split_stays_in_force():
    segment = Segment(TEN, 12.0, 10.0, until=15.0)
    assert segments.end_of(segment, ObservedState("m", split=TEN, split_since=10.0)) == 15.0
    assert segments.end_of(segment, ObservedState("m", split=Split(), split_since=14.0)) == 14.0
    assert segments.end_of(segment, ObservedState("m", split=Split(), split_since=17.0)) == 15.0


def test_while_the_split_in_force_is_unknown_a_segment_has_no_end():
    assert segments.end_of(Segment(TEN, 10.0, 10.0), ObservedState("m", split=None)) is None


def test_a_window_that_the_source_cannot_vouch_for_is_void():
    window = segments.window_of(3, Interval(10.0, 12.0, "split"), Segment(TEN, 10.0, 10.0), IntervalCounts(gap=True))
    assert window.void
    assert (window.number, window.closed_by, window.split) == (3, "gap", TEN)
