from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.rollout.judge import Bins


def test_until_stable_has_predicted_often_enough_there_is_one_bin():
    bins = Bins().after({"a": 150}).after({})
    assert (bins.frozen, bins.count) == (False, 1)
    assert bins.counts({"a": 3, "b": 4}) == [7]


def test_classes_are_the_nine_most_frequent_ones_and_all_others():
    seen = {f"class {i}": 100 + i for i in range(12)}
    bins = Bins().after(seen)
    assert bins.names == tuple(sorted(f"class {i}" for i in range(3, 12)))
    assert bins.count == 10
    counts = bins.counts({"class 3": 5, "class 0": 2, "never seen": 1})
    assert (counts[bins.names.index("class 3")], counts[-1], sum(counts)) == (5, 3, 8)
    assert bins.label(9) == "another class"


def test_frozen_bins_stay_as_they_are():
    bins = Bins().after({"a": 200})
    assert bins.after({"b": 10_000}) is bins


def test_numbers_are_sorted_into_stable_s_tenths():
    bins = Bins("numbers").after({str(i): 2 for i in range(100)})
    assert bins.edges == (9.0, 19.0, 29.0, 39.0, 49.0, 59.0, 69.0, 79.0, 89.0)
    assert bins.counts({"9": 1, "9.001": 2, "1e6": 3, "-4": 4, "nan": 5, "none": 6}) == [5, 2, 0, 0, 0, 0, 0, 0, 0, 3, 11]
    assert bins.label(0) == "a number up to 9"
    assert bins.label(1) == "a number above 9 and up to 19"
    assert bins.label(9) == "a number above 89"
    assert bins.label(10) == "no number"


def test_numbers_that_are_mostly_the_same_have_fewer_bins():
    bins = Bins("numbers").after({"0": 190, "1": 10})
    assert bins.edges == (0.0,)
    assert bins.counts({"0": 1, "0.5": 2, "x": 3}) == [1, 2, 3]


def test_numbers_that_are_none_have_one_bin_for_what_is():
    bins = Bins("numbers").after({"cat": 300})
    assert [bins.label(i) for i in range(bins.count)] == ["a number", "no number"]
    assert bins.counts({"cat": 2, "1": 1}) == [1, 2]


values = st.floats().map(str) | st.text(max_size=3)


@given(st.dictionaries(values, st.integers(1, 300), max_size=30), st.sampled_from(["classes", "numbers"]))
def test_every_prediction_falls_into_one_bin_and_json_keeps_them(predictions, kind):
    bins = Bins(kind).after(predictions)
    assert sum(bins.counts(predictions)) == sum(predictions.values())
    assert bins.count <= {"classes": 10, "numbers": 11}[kind]
    assert len({bins.label(i) for i in range(bins.count)} if bins.frozen else {0}) == bins.count
    assert Bins.from_json(json.loads(json.dumps(bins.to_json()))) == bins
