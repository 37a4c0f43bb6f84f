import json
import math

import pytest

from tfx_rollout.model_server.json_values import debug_string, error_body, parse_object
from tfx_rollout.model_server.status import ServingError


def message(body: bytes) -> str:
    with pytest.raises(ServingError) as caught:
        parse_object(body)
    return caught.value.message


def test_parsing_stops_after_the_first_value_and_takes_nan_and_infinity():
    document = parse_object(b' {"a": [NaN, -Infinity]} trailing')
    assert math.isnan(document["a"][0])
    assert document["a"][1] == -math.inf


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"x", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": [1 2]}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 9"),
        (b'{"a": 1 "b"}', "JSON Parse error: Missing a comma or } after an object member. at offset: 8"),
        (b'{"a": "\xff"}', "JSON Parse error: Invalid encoding in string. at offset: 7"),
        (b"[1, 2]", "JSON Value: [1, 2] Is not object"),
    ],
)
def test_faults_are_reported_in_rapidjsons_words(body, text):
    assert message(body) == text


def test_deep_nesting_is_a_fault_not_a_crash():
    assert message(b'{"a": ' + b"[" * 100_000).startswith("JSON Parse error")


def test_values_in_error_texts_are_cut():
    assert debug_string({"a": [1, "x", None, True]}) == '{\n    "a": [1, "x", null, true]\n}'
    assert len(debug_string(["long"] * 1000)) <= 256


def test_an_error_is_a_json_object_with_the_message_alone():
    assert json.loads(error_body('a "quoted" fault')) == {"error": 'a "quoted" fault'}
