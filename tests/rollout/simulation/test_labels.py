from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import Arrival, Labels
from tfx_rollout.rollout.simulation.labels import PendingLabels

PLAN = replace(load_plan("default"), accuracy=replace(load_plan("default").accuracy, ages=(20.0, 60.0, 115.0)))
RUNS = 30
WINDOWS = 40


def collected(labels: Labels, *, made: int = 10, copies: bool = False):
    """Labels of the first windows, all that fall due: (labels, missing, pairs) summed."""
    pending = PendingLabels(PLAN, labels, RUNS, WINDOWS, np.random.default_rng(2))
    found = []
    for window in range(WINDOWS):
        predictions = np.full((RUNS, 2), 1000 if window < made else 0)
        pending.predicted(window, 10.0 * window, predictions, np.full((RUNS, 2), [0.2, 0.1]), np.full(RUNS, copies))
        found.append(pending.due(window))
    return found


def test_each_label_is_released_once_and_what_never_comes_is_missing():
    labels, missing, _ = (sum(parts) for parts in zip(*collected(Labels()), strict=True))
    came = labels[..., [1, 3]].sum(axis=1)
    absent = missing[:, 0][:, [0, 2]]
    assert (came + absent == 10 * 1000).all()
    assert (missing[:, 0][:, [1, 3]] == 10 * 1000).all()
    wrong = labels[..., [0, 2]].sum(axis=(0, 1)) / labels[..., [1, 3]].sum(axis=(0, 1))
    assert wrong == pytest.approx([0.2, 0.1], rel=0.05)


def test_a_stratum_falls_due_with_the_first_window_that_ends_after_its_age():
    found = collected(Labels(), made=1)
    due = [[window for window, (labels, _, _) in enumerate(found) if labels[:, age].any()] for age in range(3)]
    assert due == [[2], [6], [12]]


def test_labels_of_wrong_predictions_may_come_sooner():
    found = collected(Labels(Arrival(0.5, 300.0), Arrival(0.9, 10.0)))
    labels = sum(part for part, _, _ in found)
    early, late = (labels[:, age].sum(axis=0) for age in (0, 2))
    assert early[0] / early[1] > 0.9
    assert late[0] / late[1] < 0.1


def test_copies_have_pairs_and_no_strata_of_their_own():
    labels, missing, pairs = (sum(parts) for parts in zip(*collected(Labels(), copies=True), strict=True))
    assert not labels.any()
    assert not missing.any()
    worse, same, better = pairs.sum(axis=0)
    assert (worse - better) / (worse + same + better) == pytest.approx(0.1, abs=0.01)
    # Half of what the better version gets wrong the other one gets wrong too.
    assert better / (worse + same + better) == pytest.approx(0.05, abs=0.005)
