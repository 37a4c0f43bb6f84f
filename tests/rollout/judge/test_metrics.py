"""Each metric finds what it is for, and keeps its null."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfx_rollout.evidence.window import LabelCounts
from tfx_rollout.rollout import Call, begin, judge, open_stage, plan_from_dict
from tfx_rollout.rollout.judge import CODES, accept, begin_many, calls, fold, open_stages
from tfx_rollout.rollout.plan import Limits
from tfx_rollout.rollout.simulation.scenario import SCENARIOS
from tfx_rollout.rollout.simulation.traffic import Traffic

SOUND = {"a": 0.1, "b": 0.3, "c": 0.6}


def one_metric(metric, **section):
    others = ("errors", "latency", "predictions", "accuracy")
    document = {name: {"weight": 0} for name in others if name != metric}
    section = {metric: section} if section else {}
    return plan_from_dict({"stages": [{"share": 0.1}, {"share": 0.5}], **document, **section})


def begun(plan):
    return open_stage(plan, begin(plan), 0, at=0.0)


def predicted(shares, requests):
    return {name: round(share * requests) for name, share in shares.items()}


# Predictions


def drifting(window, number, shares):
    return window(number, predictions=(predicted(shares, 100), predicted(SOUND, 900)))


def test_drift_asks_for_a_person_and_names_the_class(window, folded):
    plan = one_metric("predictions")
    drifted = {"a": 0.3, "b": 0.3, "c": 0.4}
    state, verdict = folded(plan, begun(plan), *(drifting(window, i, drifted) for i in range(12)))
    assert (verdict.call, verdict.asking) == (Call.ASK, ("predictions",))
    assert verdict.flagged == ("predictions",)
    start = "The predictions have drifted, and a person has to say whether that is meant. Class a went from 10 % of stable's "
    assert verdict.reasons[0].startswith(start)
    assert "to 30 % of the canary's" in verdict.reasons[0]
    _, accepted = folded(plan, accept(state, "predictions"), drifting(window, 12, drifted))
    assert accepted.call is not Call.ASK
    assert accepted.gates["suspicion"].passed


def test_a_class_that_gets_rarer_is_drift_too(window, folded):
    plan = one_metric("predictions")
    _, verdict = folded(plan, begun(plan), *(drifting(window, i, {"a": 0.1, "b": 0.1, "c": 0.8}) for i in range(20)))
    assert verdict.metrics["predictions"].leading.name == "class b down"
    assert verdict.metrics["predictions"].leading.counts.canary_bad == 190


def test_drift_rolls_back_where_the_plan_says_so(window, folded):
    plan = one_metric("predictions", action="rollback")
    _, verdict = folded(plan, begun(plan), *(drifting(window, i, {"a": 0.4, "b": 0.2, "c": 0.4}) for i in range(12)))
    assert (verdict.call, verdict.asking) == (Call.ROLLBACK, ())


def test_the_same_predictions_and_few_of_them_are_no_drift(window, folded):
    plan = one_metric("predictions")
    _, verdict = folded(plan, begun(plan), *(drifting(window, i, SOUND) for i in range(20)))
    assert verdict.e_value < 1
    few = [window(i, predictions=({"z": 100}, {"a": 20})) for i in range(9)]
    _, verdict = folded(plan, begun(plan), *few)
    assert (verdict.e_value, verdict.metrics["predictions"].tests) == (1.0, ())


def test_a_regression_beside_drift_rolls_back_and_does_not_ask(window, folded):
    plan = plan_from_dict({"stages": [{"share": 0.1}], "latency": {"weight": 0}, "accuracy": {"weight": 0}})
    drifted = (predicted({"a": 0.9, "c": 0.1}, 100), predicted(SOUND, 900))
    _, verdict = folded(plan, begun(plan), *(window(i, (100, 10), predictions=drifted) for i in range(12)))
    assert verdict.call is Call.ROLLBACK
    assert "The canary failed" in verdict.reasons[0]
    assert verdict.flagged == ("errors", "predictions")


# Accuracy


def labelled(window, number, wrong, *, labels=40):
    strata = tuple(LabelCounts(number - 5, age, round(wrong * labels), labels, 36, 360) for age in range(2))
    return window(number, labels=strata)


def test_wrong_predictions_are_found_when_their_labels_come(window, folded):
    plan = one_metric("accuracy")
    _, verdict = folded(plan, begun(plan), *(labelled(window, i, 0.225) for i in range(12)))
    assert verdict.call is Call.ROLLBACK
    assert "The canary was wrong in 198 of 880 predictions with labels (22.5 %), stable in 792 of 7,920" in verdict.reasons[0]


def test_a_loss_within_the_margin_is_no_regression(window, folded):
    plan = one_metric("accuracy", margin=0.03)
    _, verdict = folded(plan, begun(plan), *(labelled(window, i, 0.125) for i in range(40)))
    assert verdict.e_value < 2


def test_stable_s_accuracy_is_known_before_labels_count(window, folded):
    plan = one_metric("accuracy")
    few = window(0, labels=(LabelCounts(0, 0, 9, 9, 1, 99),))
    state, verdict = folded(plan, begun(plan), few)
    assert verdict.metrics["accuracy"].tests[0].counts.requests == 0
    state, _ = judge(plan, state, window(1, labels=(LabelCounts(1, 0, 0, 0, 0, 1),)))
    assert state.ledger.wrong_share[0] == pytest.approx(1.5 / 101)


# Limits


@pytest.mark.parametrize(
    ("limit", "bad", "sentence"),
    [
        (
            Limits(failure_rate=0.01),
            {"canary": (100, 6)},
            "The canary failed 120 of 2,000 requests (6 %; at most 1 % are allowed)",
        ),
        (Limits(p99_ms=0.4), {"slower": 25}, "The canary took longer than 0.4 ms for 2,000 of 2,000 requests"),
        (
            Limits(throughput_rps=100),
            {"canary": (100, 20)},
            "The canary answered less than its share of 100 requests a second in 20 of 20 windows in which it was asked for",
        ),
    ],
)
def test_a_canary_beyond_a_limit_is_rolled_back_though_stable_is_as_bad(limit, bad, sentence, window, folded):
    plan = replace(one_metric("errors"), limits=limit)
    windows = [window(i, **bad, stable=(900, 9 * bad.get("canary", (0, 0))[1])) for i in range(20)]
    _, verdict = folded(plan, begun(plan), *windows)
    assert verdict.call is Call.ROLLBACK
    assert verdict.flagged == ("limits",)
    assert sentence in verdict.reasons[0]


def test_a_canary_within_its_limits_is_not(window, folded):
    limits = Limits(failure_rate=0.01, p99_ms=5.0, throughput_rps=100)
    plan = replace(one_metric("errors"), limits=limits)
    _, verdict = folded(plan, begun(plan), *(window(i, (101, 1), (900, 9)) for i in range(20)))
    assert verdict.e_value < 1
    assert [test.name for test in verdict.metrics["limits"].tests] == ["failure_rate", "p99_ms", "throughput_rps"]


def test_fewer_requests_than_the_limit_are_not_the_canary_s_fault(window, folded):
    plan = replace(one_metric("errors"), limits=Limits(throughput_rps=1000))
    _, verdict = folded(plan, begun(plan), *(window(i) for i in range(20)))
    assert verdict.metrics["limits"].tests[0].counts.canary == 0


# On simulated traffic, all metrics at once

RUNS, SIGMAS = 100, 3
PLAN = plan_from_dict({"stages": [{"share": 0.1}, {"share": 0.5}], "errors": {"tolerance": 1.0}, "latency": {"slack_ms": 0}})


def stopped(scenario, *, windows=60, seed=0):
    """Shares of runs that were rolled back, and asked about, within so many windows; half of them in each stage."""
    traffic = Traffic(
        SCENARIOS[scenario], PLAN, rps=50.0, runs=RUNS, most_seconds=10.0 * windows, rng=np.random.default_rng((seed, 5))
    )
    ledger = begin_many(PLAN, RUNS)
    rolled_back, asked = np.zeros(RUNS, bool), np.zeros(RUNS, bool)
    for number in range(windows):
        if number in (0, windows // 2):
            ledger = open_stages(PLAN, ledger, np.ones(RUNS, bool), at=10.0 * number)
        ledger = fold(PLAN, ledger, traffic.window(ledger.stage))
        call = calls(PLAN, ledger).call
        rolled_back |= call == CODES[Call.ROLLBACK]
        asked |= (call == CODES[Call.ASK]) & ~rolled_back
    return rolled_back.mean(), asked.mean()


@pytest.mark.parametrize("scenario", ["null", "null-clean", "null-incident-ramp", "null-delayed-labels"])
def test_a_sound_canary_is_stopped_no_more_often_than_alpha(scenario):
    rolled_back, asked = stopped(scenario)
    assert rolled_back + asked <= PLAN.alpha + SIGMAS * (PLAN.alpha * (1 - PLAN.alpha) / RUNS) ** 0.5


@pytest.mark.parametrize("scenario", ["errors-10pct", "latency-x1.5", "accuracy-10pt"])
def test_a_bad_canary_is_rolled_back(scenario):
    assert stopped(scenario)[0] >= 0.9


def test_a_drifting_canary_is_asked_about():
    rolled_back, asked = stopped("class-shift")
    assert asked >= 0.9
    assert rolled_back <= 0.05
