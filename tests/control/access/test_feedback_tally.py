"""Feedback is told to the trail together, and none of it twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.access.feedback_tally import TOGETHER_S, FeedbackTally


def test_the_first_is_told_at_once_and_the_rest_together():
    now = [0.0]
    tally = FeedbackTally(lambda: now[0])
    assert tally.add("ann", "taxi", new=3, known=1) == "3 new, 1 known before"
    for _ in range(5):
        now[0] += 5
        assert tally.add("ann", "taxi", new=2, known=0) is None
    assert tally.add("ben", "taxi", new=1, known=0) == "1 new, 0 known before"
    now[0] += TOGETHER_S
    assert tally.add("ann", "taxi", new=1, known=4) == "11 new, 4 known before, in 6 calls"
    assert tally.add("ann", "taxi", new=1, known=0) is None


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), max_size=40))
def test_what_is_told_adds_up(calls):
    now, told, given_rows = [0.0], 0, 0
    tally = FeedbackTally(lambda: now[0])
    for pause, new in calls:
        now[0] += pause
        given_rows += new
        said = tally.add("ann", "taxi", new=new, known=0)
        if said is not None:
            told += int(said.split()[0])
            assert told == given_rows
