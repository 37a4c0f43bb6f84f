"""Parameters come as dicts or JSON, and every fault is told at once."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.validation import Tolerance, load_limits, load_requests


@pytest.mark.parametrize("nothing", [None, "", "{}", {}])
def test_nothing_means_two_hundred_requests_of_every_signature(nothing):
    settings = load_requests(nothing)
    assert (settings.minimum, settings.maximum, settings.signatures) == (200, 300, None)
    assert load_limits(nothing).p99_ms is None


def test_json_and_dict_are_the_same():
    assert load_requests('{"minimum": 500, "signatures": ["a", "a"]}') == load_requests({"minimum": 500, "signatures": ["a"]})
    assert load_requests({"minimum": 500}).maximum == 500


def test_tolerances_are_per_dtype_and_fall_back_to_the_defaults():
    found = load_limits({"tolerances": {"float32": {"relative": 0.5}}})
    assert found.tolerance("float32") == Tolerance(0.5, 0.0)
    assert found.tolerance("float64").relative == pytest.approx(1e-9)
    assert found.tolerance("int64") == found.tolerance("string") == Tolerance(0.0, 0.0)


@pytest.mark.parametrize(
    ("parse", "document", "words"),
    [
        (load_requests, {"minimum": 0, "splits": "eval"}, ["minimum", "splits"]),
        (load_requests, {"minimum": 300, "maximum": 200}, ["maximum"]),
        (load_requests, "{nonsense", ["no JSON"]),
        (load_limits, {"load_seconds": -1, "p99": 3}, ["load_seconds", "p99"]),
    ],
)
def test_all_faults_are_named_in_one_sentence(parse, document, words):
    with pytest.raises(InvalidPlan) as fault:
        parse(document)
    assert all(word in str(fault.value) for word in words)
