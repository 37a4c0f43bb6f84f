"""Labels that arrive later than the windows of their predictions come in with the windows in which they fall due."""

from __future__ import annotations

from collections import Counter

from tfx_rollout.evidence import Window
from tfx_rollout.rollout import Phase, RolloutController
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Track

ACCURACY = {"weight": 1.0, "ages": [10, 40, 90], "margin": 0.01}


def windows(world) -> list[Window]:
    return world.record.windows


def test_each_stratum_of_labels_falls_due_once_whatever_restarts_between(live, plan):
    live.start(plan(accuracy=ACCURACY, promotion_deadline_seconds=200))
    restarts = 0
    while not live.state.finished:
        live.tick()
        restarts += 1
        if restarts % 7 == 0:
            live.restart()
    strata = Counter((labels.window, labels.age) for window in windows(live) for labels in window.labels)
    assert set(strata.values()) == {1}
    last = windows(live)[-1]
    judged = [window for window in windows(live) if not window.void and window.end + 90 <= last.end]
    assert len(judged) > 5
    # Labels come 30 s after their requests: none at an age of up to 10 s, all at one of up to 40 s.
    assert set(strata) >= {(window.number, 1) for window in judged}
    assert {age for _, age in strata} == {1}
    missing = Counter(counts.window for window in windows(live) for counts in window.missing_labels)
    assert missing == Counter(window.number for window in judged)


def test_a_canary_that_is_wrong_more_often_is_rolled_back_once_the_labels_are_in(live, plan):
    live.evidence.behaviours.update({Track.STABLE: Behaviour(wrong=0.1), Track.CANARY: Behaviour(wrong=0.4)})
    live.start(plan(accuracy=ACCURACY, promotion_deadline_seconds=2000))
    state = live.run(lambda state: state.finished)
    assert state.outcome == "rolled_back"
    assert state.verdict.flagged == ("accuracy",)


def test_labels_of_copies_are_compared_in_pairs(live, plan):
    live.evidence.behaviours.update({Track.STABLE: Behaviour(wrong=0.1), Track.CANARY: Behaviour(wrong=0.4)})
    shadow = {"kind": "shadow", "min_seconds": 100, "max_seconds": 300}
    live.start(plan(accuracy=ACCURACY, first=[shadow], promotion_deadline_seconds=2000))
    state = live.run(lambda state: state.finished)
    assert (state.outcome, state.stage) == ("rolled_back", 0)
    assert sum(window.pairs.worse for window in windows(live)) > 50


def test_without_a_source_of_labels_no_window_waits_for_any(live, plan):
    live.controller = RolloutController(live.base, live.evidence, live.clock)
    live.start(plan(accuracy=ACCURACY))
    assert live.run().phase is Phase.HOLDING
    assert not any(window.labels or window.missing_labels for window in windows(live))


def test_a_plan_without_accuracy_asks_for_no_labels(live, plan):
    live.start(plan())
    live.run()
    assert not any(window.labels or window.missing_labels for window in windows(live))
