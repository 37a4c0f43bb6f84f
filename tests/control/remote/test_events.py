from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.remote.events import ServerSentEvent, events_in

LINES = [
    ": hello",
    "",
    "id: 7",
    "event: verdict",
    "data: one",
    "data:two",
    "",
    "data: three",
    "",
    "id",
    "retry: 10",
    "data: last",
]


def test_events_are_told_with_their_lines_joined_and_their_last_id():
    assert list(events_in(LINES)) == [ServerSentEvent("verdict", "one\ntwo", "7"), ServerSentEvent("message", "three", "7")]


def test_an_event_that_breaks_off_is_none():
    assert list(events_in(["data: half"])) == []


def test_ids_go_on_from_the_one_the_stream_is_resumed_after():
    assert [event.id for event in events_in(["data: x", ""], "41")] == ["41"]


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)


@given(st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3))))
def test_what_is_written_is_read(told):
    lines = []
    for kind, data in told:
        lines += [f"event: {kind}", *(f"data: {line}" for line in data), ""]
    assert [(event.kind, event.data.split("\n")) for event in events_in(lines)] == told
