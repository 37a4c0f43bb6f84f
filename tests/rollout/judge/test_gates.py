from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.analysis import gate_odds_ratio, max_slow_rate
from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.evidence.window import LabelCounts
from tfx_rollout.rollout import Call, begin, open_stage, plan_from_dict
from tfx_rollout.traffic import Track

LABELLED = {
    "stages": [{"share": 0.1, "min_seconds": 30}],
    "min_windows": 3,
    "max_failure_rate": 0.05,
    "latency": {"weight": 0},
    "predictions": {"weight": 0},
}


def begun(plan):
    return open_stage(plan, begin(plan), 0, at=0.0)


def missing(verdict):
    return [name for name, gate in verdict.gates.items() if not gate.passed]


def test_a_stage_is_not_passed_while_suspicion_is_half_way_to_a_rollback(errors_only, window, folded):
    plan = replace(errors_only, stages=tuple(replace(s, max_failure_rate=0.2) for s in errors_only.stages))
    _, verdict = folded(plan, begun(plan), window(0, (100, 1)), window(1, (100, 1)), *(window(i) for i in range(2, 8)))
    assert verdict.call is Call.HOLD
    assert missing(verdict) == ["suspicion"]
    assert verdict.remaining is None


@pytest.mark.parametrize(("change", "floor"), [({"min_windows": 50}, "windows"), ({"min_requests": 5000}, "requests")])
def test_floors_hold_a_stage_that_has_its_evidence(plan, change, floor, window, folded):
    held = replace(plan, **change)
    _, verdict = folded(held, begun(held), *(window(i) for i in range(20)))
    assert verdict.call is Call.HOLD
    assert missing(verdict) == [floor]
    assert verdict.remaining == "about 5 more minutes at this rate"


def test_a_canary_passes_where_neither_track_is_slow_any_more(plan, window, folded):
    """Limits from a busy time: in the stage no answer of either track exceeds them, so nothing is there to compare."""
    busy = LatencyHistogram({150: 5000})
    before = window(0, (0, 0), share=0.0)
    counts = replace(before.counts(Track.STABLE), unit_latency=busy)
    state, _ = folded(plan, begin(plan), replace(before, tracks={Track.STABLE: counts}))
    _, verdict = folded(plan, open_stage(plan, state, 0, at=10.0), *(window(i) for i in range(1, 13)))
    assert verdict.gates["latency p99"].passed
    assert verdict.call is Call.ADVANCE


def test_a_canary_slow_in_both_senses_does_not_pass(plan, window, folded):
    state, _ = folded(plan, begun(plan), *(window(i) for i in range(3)))
    _, verdict = folded(plan, state, *(window(i, slower=10) for i in range(3, 9)))
    assert not verdict.gates["latency p90"].passed
    assert verdict.call is not Call.ADVANCE


def test_the_gates_of_latency_have_margins_of_their_own(plan, window, folded):
    _, verdict = folded(plan, begun(plan), *(window(i) for i in range(3)))
    for quantile, name in ((0.9, "p90"), (0.99, "p99")):
        odds = float(gate_odds_ratio(quantile, plan.stages[0].bad_odds_ratio))
        rate = 100 * float(max_slow_rate(quantile, odds))
        bad = f"({name}: {rate:.2g} % of its answers or more and {odds:.3g} times the odds of stable)"
        assert bad in verdict.gates[f"latency {name}"].sentence


def test_a_stage_waits_for_labels_only_once_they_have_come(window, folded):
    plan = plan_from_dict(LABELLED)
    _, verdict = folded(plan, begun(plan), *(window(i) for i in range(12)))
    assert verdict.call is Call.PASS
    assert "accuracy" not in verdict.gates
    few = LabelCounts(0, 0, 0, 2, 2, 30)
    state, verdict = folded(plan, begun(plan), *(window(i) for i in range(12)), window(12, labels=(few,)))
    assert missing(verdict) == ["accuracy"]
    assert "Stable has 30 of the 100 labels that its accuracy is taken from" in verdict.gates["accuracy"].sentence
    enough = [window(i, labels=(LabelCounts(i, 0, 3, 30, 30, 300),)) for i in range(13, 25)]
    _, verdict = folded(plan, state, *enough)
    assert verdict.call is Call.PASS
    assert "In this stage the canary was wrong in 33 of 330 predictions with labels (10 %)" in verdict.gates["accuracy"].sentence


def test_a_stage_waits_for_labels_that_the_plan_requires(window, folded):
    plan = plan_from_dict({**LABELLED, "accuracy": {"required": True}})
    _, verdict = folded(plan, begun(plan), *(window(i) for i in range(12)))
    assert missing(verdict) == ["accuracy"]
