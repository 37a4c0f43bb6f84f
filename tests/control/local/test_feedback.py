"""Late labels through the control."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidInput


def test_rows_are_taken_in_once_and_all_or_none(control):
    rows = [{"request_id": "a", "correct": True}, '{"request_id": "b", "label": 1}']
    assert (control.give_feedback("taxi", rows).new, control.give_feedback("taxi", rows).known) == (2, 2)
    with pytest.raises(InvalidInput, match="line 2"):
        control.give_feedback("taxi", [{"request_id": "c", "correct": True}, {"request_id": "d"}])
    assert control.give_feedback("taxi", [{"request_id": "c", "correct": True}]).new == 1


def test_who_gives_feedback_is_recorded_now_and_then_with_how_much(control, asked_by):
    for number in range(40):
        control.give_feedback("taxi", [{"request_id": f"r{number}", "correct": True}])
    asked_by("ben").give_feedback("taxi", [{"request_id": "x", "correct": True}])
    with pytest.raises(InvalidInput):
        control.give_feedback("taxi", [{}])
    told = [(entry.by, entry.status, entry.detail) for entry in control.audit().entries]
    assert told == [("ben", 200, "1 new, 0 known before"), ("ann", 200, "1 new, 0 known before")]
