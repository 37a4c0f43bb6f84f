"""Values are doubles inside, and texts as Go writes them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.kfp.runner.values import as_value, fits, from_text, json_text, placeholder_text

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def test_every_number_is_a_double_and_a_bool_is_none():
    value = as_value({"n": 7, "deep": [1, True, None], "t": "7"})
    assert value == {"n": 7.0, "deep": [1.0, True, None], "t": "7"}
    assert type(value["n"]) is float
    assert value["deep"][1] is True


@given(ANY_JSON)
def test_the_text_of_a_value_reads_as_the_same_value(value):
    assert as_value(json.loads(json_text(as_value(value)))) == as_value(value)


def test_whole_numbers_have_no_point_in_json_and_texts_no_escapes():
    assert json_text({"n": 7.0, "half": 0.5, "list": [1.0], "t": "é"}) == '{"n":7,"half":0.5,"list":[1],"t":"é"}'
    assert json_text(1e21) == "1e+21"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_does_not_have_is_refused(number):
    with pytest.raises(ValueError, match="no number of JSON"):
        as_value([number])
    with pytest.raises(ValueError, match="a set is no JSON"):
        as_value({1})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.0, "7"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (-2.5, "-2.5"),
        (True, "true"),
        (False, "false"),
        ("as it is", "as it is"),
        ([1.0, "a"], '[1,"a"]'),
        ({"a": False}, '{"a":false}'),
    ],
)
def test_a_placeholder_becomes_what_the_launcher_makes_of_it(value, text):
    assert placeholder_text(value) == text


def test_null_fills_no_placeholder():
    with pytest.raises(ValueError, match="null"):
        placeholder_text(None)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("a b\n", "STRING", "a b\n"),
        (" 7\n", "NUMBER_INTEGER", 7.0),
        ("0.5", "NUMBER_DOUBLE", 0.5),
        ("True", "BOOLEAN", True),
        ("0", "BOOLEAN", False),
        ("[1]", "LIST", [1.0]),
        ('{"a": 1}', "STRUCT", {"a": 1.0}),
    ],
)
def test_an_output_file_is_read_by_its_declared_type(text, kind, value):
    assert from_text(text, kind) == value


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("7.5", "NUMBER_INTEGER"),
        ("1_0", "NUMBER_INTEGER"),
        ("x", "NUMBER_DOUBLE"),
        ("yes", "BOOLEAN"),
        ("{}", "LIST"),
        ("[", "LIST"),
    ],
)
def test_an_output_file_of_another_type_is_refused(text, kind):
    with pytest.raises(ValueError):
        from_text(text, kind)


def test_a_bool_is_no_number_and_a_number_no_bool():
    assert not fits(True, "NUMBER_INTEGER")
    assert not fits(1.0, "BOOLEAN")
    assert fits(1.5, "NUMBER_INTEGER"), "the server looks no closer"
