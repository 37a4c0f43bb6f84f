from __future__ import annotations

import pytest

from tfx_rollout.metrics.label_history import LabelHistory, labels_in_force
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import DesiredState, Label, ObservedState, Split, Track

FIRST = DesiredState("taxi", 1, (1,), {Label.STABLE: 1})
SECOND = DesiredState("taxi", 2, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, Split(1000))
THIRD = DesiredState("taxi", 3, (2,), {Label.STABLE: 2})


def wanted(at, state):
    return {"event": "desired", "at": at, **state.to_json()}


def applied(at, generation):
    return {"event": "applied", "at": at, "generation": generation}


def test_labels_count_from_when_their_generation_was_applied():
    history = [
        wanted(10, FIRST),
        applied(12, 1),
        wanted(20, SECOND),
        {"event": "removed", "at": 21, "version": 0},
        applied(25, 2),
    ]
    assert labels_in_force(history) == [(12, {"stable": 1}), (25, {"stable": 1, "canary": 2})]


def test_a_generation_that_was_overtaken_before_it_was_applied_never_counts():
    history = [wanted(10, FIRST), applied(12, 1), wanted(20, SECOND), wanted(21, THIRD), applied(25, 3)]
    assert labels_in_force(history) == [(12, {"stable": 1}), (25, {"stable": 2})]


@pytest.fixture
def base(tmp_path, make_version):
    base = ModelStore(tmp_path / "root").model("taxi")
    for _ in range(2):
        make_version(base)
    return base


@pytest.fixture
def make_version(tmp_path):
    """Publishes something that looks like a SavedModel."""

    def make_version(base):
        source = tmp_path / f"model-{len(base.versions())}"
        source.mkdir()
        (source / "saved_model.pb").write_bytes(b"model %d" % len(base.versions()))
        base.publish(source)

    return make_version


def put(base, state):
    base.write_desired(state, expected=base.desired().generation)
    base.write_observed(ObservedState("taxi", generation=base.desired().generation))
    return base.history()[-1]["at"]


def test_the_version_is_the_one_that_the_tracks_label_named_then(base):
    history = LabelHistory(base)
    first, second, third = (put(base, state) for state in (FIRST, SECOND, THIRD))
    history.refresh()
    assert history.version(Track.STABLE, first - 1) is None
    assert history.version(Track.STABLE, first) == 1
    assert history.version(Track.CANARY, first) is None
    assert [history.version(track, second) for track in (Track.STABLE, Track.CANARY, Track.SHADOW)] == [1, 2, 2]
    assert history.version(Track.STABLE, third + 100) == 2
    assert history.version(Track.PINNED, third) is None


def test_what_is_applied_later_is_known_after_a_refresh(base):
    history = LabelHistory(base)
    history.refresh()
    at = put(base, FIRST)
    assert history.version(Track.STABLE, at) is None
    history.refresh()
    assert history.version(Track.STABLE, at) == 1


@pytest.mark.parametrize("content", ["{\n{}\n", '{"event": "desired", "generation": 1, "schema": 99}\n'])
def test_a_history_that_cannot_be_read_leaves_versions_unknown_and_is_logged(base, caplog, content):
    at = put(base, FIRST)
    (base.control / "history.jsonl").write_text(content)
    history = LabelHistory(base)
    history.refresh()
    assert history.version(Track.STABLE, at) is None
    assert "failed requests of taxi cannot be told by version" in caplog.text
