from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.evidence.window import MissingLabels
from tfx_rollout.rollout import Call, begin, open_stage, plan_from_dict
from tfx_rollout.rollout.judge import accept

PLAN = plan_from_dict(
    {
        "stages": [{"share": 0.1, "min_seconds": 30}],
        "min_windows": 3,
        "max_failure_rate": 0.05,
        "latency": {"weight": 0},
        "predictions": {"weight": 0},
    }
)


def begun(plan=PLAN):
    return open_stage(plan, begin(plan), 0, at=0.0)


def test_a_canary_that_gets_more_than_its_share_asks_for_a_person_and_does_not_pass(window, folded):
    state, verdict = folded(PLAN, begun(), *(window(i, (150, 0), (850, 0)) for i in range(12)))
    assert (verdict.call, verdict.asking) == (Call.ASK, ("split",))
    assert verdict.guards["split"].raised
    (reason,) = verdict.reasons
    assert "The canary got 1,800 of 12,000 requests (15 %), but should have had 1,200 (10 %)" in reason
    _, accepted = folded(PLAN, accept(state, "split"), window(12, (150, 0), (850, 0)))
    assert (accepted.call, accepted.asking) == (Call.PASS, ())


def test_a_split_as_it_was_set_raises_nothing_whatever_split_was_in_force(window, folded):
    windows = [window(i, (100, 0), (900, 0)) if i % 2 else window(i, (500, 0), (500, 0), share=0.5) for i in range(20)]
    _, verdict = folded(PLAN, begun(), *windows)
    assert verdict.guards["split"].e_value < 1


def test_sticky_users_are_no_drawn_requests(window, folded):
    sticky = replace(PLAN, unit="user", unit_header="x-user")
    _, verdict = folded(sticky, begun(sticky), *(window(i, (300, 0), (700, 0)) for i in range(12)))
    assert verdict.guards == {}
    assert "users" in verdict.gates["errors"].sentence


@pytest.mark.parametrize(("canary", "stable"), [(90, 360), (40, 720)])
def test_labels_that_go_missing_on_one_track_ask_for_a_person(canary, stable, window, folded):
    windows = [window(i, missing_labels=(MissingLabels(i, canary, 100, stable, 900),)) for i in range(12)]
    _, verdict = folded(PLAN, begun(), *windows)
    assert (verdict.call, verdict.asking) == (Call.ASK, ("labels",))
    assert f"Labels are missing for {12 * canary:,} of the canary's 1,200 predictions" in verdict.reasons[0]


def test_labels_that_go_missing_alike_raise_nothing(window, folded):
    windows = [window(i, missing_labels=(MissingLabels(i, 40, 100, 360, 900),)) for i in range(12)]
    _, verdict = folded(PLAN, begun(), *windows)
    assert not verdict.guards["labels"].raised


def test_a_regression_is_rolled_back_whatever_the_guards_say(window, folded):
    _, verdict = folded(PLAN, begun(), *(window(i, (150, 20), (850, 0)) for i in range(12)))
    assert verdict.call is Call.ROLLBACK
    assert verdict.guards["split"].raised


def test_only_what_asks_can_be_accepted():
    with pytest.raises(ValueError, match="errors asks nothing; what may ask is predictions, split, labels"):
        accept(begun(), "errors")
