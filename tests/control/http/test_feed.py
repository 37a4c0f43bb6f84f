"""One feed for all who watch: nobody misses a message that was kept, and who is far behind is told what is newest."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.http.watching.feed import Feed, Message

KINDS = ("model", "rollout")


def told(feed: Feed, place: int | None) -> list[bytes]:
    return [message.content for message in feed.after(place)]


def message(kind: str, number: int) -> Message:
    return Message(kind, f"{kind} {number}".encode())


def test_a_message_is_a_server_sent_event():
    assert Message.of("state", '{"a": 1}').content == b'event: state\ndata: {"a": 1}\n\n'
    assert Message.of("event", "{}", (3, 2)).content == b"event: event\ndata: {}\nid: 3.2\n\n"


def test_who_comes_new_is_told_the_newest_of_each_kind():
    feed = Feed()
    feed.tell([message("model", 1), message("rollout", 1), message("model", 2)])
    assert told(feed, None) == [b"model 2", b"rollout 1"]
    assert told(feed, feed.end) == []


def test_a_record_is_told_from_its_beginning_and_resumed_after_the_last_line_that_is_known():
    feed = Feed(kept=None)
    lines = [Message.of("event", "1", (1, 0)), Message.of("verdict", "1", (1, 1)), Message.of("state", "a", (1, 1))]
    feed.tell(lines)
    feed.tell([Message.of("event", "2", (2, 1)), Message.of("state", "b", (2, 1))], last=True)
    assert len(told(feed, None)) == 4
    assert told(feed, feed.place_of((1, 0)))[0] == lines[1].content
    # The state may have changed since, so it is told again.
    assert [content.split(b"\n")[0] for content in told(feed, feed.place_of((1, 1)))] == [b"event: event", b"event: state"]
    assert len(told(feed, feed.place_of((2, 1)))) == 1
    assert len(told(feed, feed.place_of((0, 0)))) == 4
    assert feed.over


def test_of_the_states_of_a_record_the_newest_alone_is_kept():
    feed = Feed(kept=None)
    feed.tell([Message.of("event", "1", (1, 0)), Message.of("state", "a", (1, 0))])
    place = feed.end
    feed.tell([Message.of("state", "b", (1, 0))])
    feed.tell([Message.of("event", "2", (2, 0)), Message.of("state", "c", (2, 0))])
    assert [line.split(b"\n")[1] for line in told(feed, None)] == [b"data: 1", b"data: 2", b"data: c"]
    assert [line.split(b"\n")[1] for line in told(feed, place)] == [b"data: 2", b"data: c"]
    assert told(feed, feed.end) == []
    assert [line.split(b"\n")[1] for line in told(feed, feed.place_of((1, 0)))] == [b"data: 2", b"data: c"]
    assert told(feed, feed.place_of((2, 0))) == told(feed, place)[1:]


@given(
    kept=st.integers(2, 6),
    batches=st.lists(st.lists(st.sampled_from(KINDS), max_size=4), max_size=20),
    pauses=st.lists(st.integers(0, 5), max_size=20),
)
def test_a_watcher_sees_all_that_is_kept_in_order_and_always_ends_with_the_newest(kept, batches, pauses):
    feed, place, seen, newest, number = Feed(kept), None, list[bytes](), dict[str, bytes](), 0
    for turn, batch in enumerate(batches):
        for kind in batch:
            number += 1
            feed.tell([message(kind, number)])
            newest[kind] = message(kind, number).content
        if turn >= len(pauses) or pauses[turn] == 0:
            seen += told(feed, place)
            place = feed.end
    seen += told(feed, place)
    numbers = [int(content.split()[1]) for content in seen]
    by_kind = {kind: [n for content, n in zip(seen, numbers, strict=True) if content.startswith(kind.encode())] for kind in KINDS}
    for kind, found in by_kind.items():
        assert found == sorted(found)
        assert (found[-1:] or None) == ([int(newest[kind].split()[1])] if kind in newest else None)
    if (
        all(pause == 0 for pause in pauses)
        and all(len(batch) <= kept for batch in batches[1:])
        and batches
        and len(batches[0]) <= 1
    ):
        assert numbers == list(range(1, number + 1))


def test_one_who_waits_is_woken_by_news_and_by_the_end():
    async def watch() -> list[bytes]:
        feed = Feed()

        async def tell() -> None:
            await asyncio.sleep(0)
            feed.tell([message("model", 1)], last=True)

        telling = asyncio.create_task(tell())
        await feed.news(feed.end, 30)
        await telling
        await feed.news(feed.end, 30)
        return told(feed, 0)

    assert asyncio.run(watch()) == [b"model 1"]
