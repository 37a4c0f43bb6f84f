"""What documents tell is JSON, whatever the evidence was."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.documents import Change, Configuration, History, PlanDocument
from tfx_rollout.control.documents.json_form import finite, json_form

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=30,
)


@given(anything)
def test_whatever_is_given_the_form_is_valid_json_and_stays_as_it_is_the_second_time(value):
    form = json_form(value)
    assert json.loads(json.dumps(form, allow_nan=False)) == form
    assert json_form(form) == form


def test_infinite_numbers_are_words_that_read_back_and_no_number_is_null():
    assert json_form({"e": math.inf, "low": [-math.inf, 1.5], "rate": math.nan}) == {
        "e": "Infinity",
        "low": ["-Infinity", 1.5],
        "rate": None,
    }
    assert float("Infinity") == math.inf


@given(st.floats())
def test_a_number_that_must_be_one_is_finite_and_in_its_place(number):
    found = finite(number)
    if math.isnan(number):
        assert found is None
    else:
        assert found is not None
        assert math.isfinite(found)
        assert found == number or (math.isinf(number) and abs(found) > 1e308)


def test_documents_told_from_disk_go_through_it():
    told = {"x": math.inf, "y": (math.nan,)}
    for document in (
        PlanDocument(name="p", document=told),
        Configuration(model="m", generation=1, desired=told, observed=told, differences=[]),
        History(model="m", events=[told], total=1),
    ):
        json.dumps(document.model_dump(mode="json"), allow_nan=False)
        json.loads(document.model_dump_json(), parse_constant=lambda name: 1 / 0)
    assert Change.model_fields["configuration"].annotation is Configuration
