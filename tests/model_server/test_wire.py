import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.model_server.wire import fields, payloads

TEXT = b"\x0a\x03abc"
NUMBER = b"\x10\x96\x01"
FIXED = b"\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08"


def test_fields_come_in_order_with_content_and_whole_encoding():
    found = [(number, bytes(content), bytes(whole)) for number, content, whole in fields(memoryview(TEXT + NUMBER + FIXED))]
    assert found == [(1, b"abc", TEXT), (2, b"", NUMBER), (3, b"", FIXED[:5]), (4, b"", FIXED[5:])]


def test_payloads_are_those_of_one_field():
    assert [bytes(p) for p in payloads(memoryview(TEXT + NUMBER + TEXT), 1)] == [b"abc", b"abc"]


@pytest.mark.parametrize("torn", [TEXT[:-1], NUMBER[:-1], FIXED[:3], b"\x0b", b"\xff" * 11])
def test_a_torn_message_is_an_error(torn):
    with pytest.raises(ValueError, match=r"truncated|wire type"):
        list(fields(memoryview(torn)))


@given(st.binary(max_size=60))
def test_any_bytes_are_either_fields_that_add_up_or_an_error(data):
    try:
        found = list(fields(memoryview(data)))
    except ValueError:
        return
    assert b"".join(bytes(whole) for _, _, whole in found) == data
