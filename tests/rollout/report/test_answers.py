"""What was predicted, and how much of it was right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import LabelCounts, MissingLabels, PairCounts, TrackCounts, Window
from tfx_rollout.rollout.report.answers import MOST_CLASSES, labels, predictions
from tfx_rollout.traffic import Split, Track

TRACKS = (Track.STABLE, Track.CANARY)


def window(stable: dict[str, int], canary: dict[str, int], **more) -> Window:
    tracks = {Track.STABLE: TrackCounts(predictions=stable), Track.CANARY: TrackCounts(predictions=canary)}
    return Window(1, 0.0, 10.0, Split.of(0.1), tracks, **more)


def test_classes_are_counted_per_track_the_most_frequent_first():
    found = predictions([window({"a": 3, "b": 9}, {"b": 1}), window({"a": 1}, {"c": 2})], "classes", TRACKS)
    assert found["bins"] == [
        {"name": "b", "stable": 9, "canary": 1},
        {"name": "a", "stable": 4, "canary": 0},
        {"name": "other", "stable": 0, "canary": 2},
    ]


def test_rare_classes_are_told_together():
    found = predictions([window({f"c{i:02}": 100 - i for i in range(30)}, {})], "classes", TRACKS)
    names = [row["name"] for row in found["bins"]]
    assert names == [f"c{i:02}" for i in range(MOST_CLASSES)] + ["other"]


def test_numbers_fall_into_tenths_of_stables():
    stable = {f"{i / 100:g}": 1 for i in range(100)}
    found = predictions([window(stable, {"0.05": 3, "2": 4})], "numbers", TRACKS)
    assert [row["stable"] for row in found["bins"]] == [10] * 10
    assert [row["canary"] for row in found["bins"]] == [3, *[0] * 8, 4]
    assert (found["bins"][0]["name"], found["bins"][-1]["name"]) == ("up to 0.09", "above 0.89")


@given(
    st.dictionaries(st.integers(-5, 5).map(str), st.integers(1, 9)),
    st.dictionaries(st.integers(-9, 9).map(str), st.integers(1, 9)),
)
def test_no_prediction_is_lost(stable, canary):
    for kind in ("classes", "numbers"):
        found = predictions([window(stable, canary)], kind, TRACKS)
        if found is None:
            assert not stable
            assert not canary
        else:
            assert sum(row["stable"] for row in found["bins"]) == sum(stable.values())
            assert sum(row["canary"] for row in found["bins"]) == sum(canary.values())


def test_where_nothing_is_logged_there_is_nothing_to_tell():
    assert predictions([window({}, {})], "classes", TRACKS) is None
    assert labels([window({}, {})]) is None


def test_labels_and_pairs_are_added_up_over_all_strata():
    strata = (LabelCounts(1, 0, 1, 10, 2, 90), LabelCounts(1, 1, 0, 5, 1, 40))
    missing = (MissingLabels(1, 3, 15, 20, 130),)
    found = labels([window({}, {}, labels=strata, missing_labels=missing, pairs=PairCounts(1, 8, 2, 4, 20))] * 2)
    assert found == {
        "canary_wrong": 2,
        "canary": 30,
        "stable_wrong": 6,
        "stable": 260,
        "canary_missing": 6,
        "stable_missing": 40,
        "pairs": {"worse": 2, "same": 16, "better": 4, "disagreed": 8, "pairs": 40},
    }
