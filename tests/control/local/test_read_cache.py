"""What has not changed is not read again, and what has changed always is."""

from __future__ import annotations

import time
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.control.local.line_file import LineFile
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.model_store import append_line, file_stamp, write_json
from tfx_rollout.model_store.file_stamp import FileStamp


def settle(path):
    while not FileStamp.of(path).settled:
        time.sleep(0.01)


def test_a_file_is_read_again_when_it_was_replaced_appended_to_or_removed(tmp_path):
    cache, path, readings = ReadCache(), tmp_path / "state.json", []

    def read() -> str:
        readings.append(path.read_text() if path.exists() else "nothing")
        return readings[-1]

    def look() -> str:
        return cache.get("state", (path,), read)

    assert (look(), look()) == ("nothing", "nothing")
    write_json(path, {"at": 1})
    settle(path)
    assert look() == look() == '{\n "at": 1\n}\n'
    # Of the same size, and as soon as can be.
    write_json(path, {"at": 2})
    assert look() == '{\n "at": 2\n}\n'
    settle(path)
    with path.open("a") as file:
        file.write("more")
    assert look().endswith("more")
    path.unlink()
    assert look() == "nothing"
    assert len(readings) == 5


def test_changes_in_one_tick_of_the_file_systems_clock_are_all_seen(tmp_path):
    cache, path = ReadCache(), tmp_path / "state.json"
    for content in islice(cycle("ab"), 300):
        path.write_text(content)
        assert cache.get("state", (path,), path.read_text) == content


@pytest.mark.parametrize(("tick", "read"), [(10**18, 3), (-1, 1)])
def test_what_was_changed_within_the_tick_is_not_kept(tmp_path, monkeypatch, tick, read):
    monkeypatch.setattr(file_stamp, "SETTLED_NS", tick)
    cache, path, readings = ReadCache(), tmp_path / "state.json", []
    path.write_text("a")
    for _ in range(3):
        cache.get("state", (path,), lambda: readings.append(path.read_text()))
    assert len(readings) == read


def test_what_cannot_be_read_is_not_kept(tmp_path):
    cache, path = ReadCache(), tmp_path / "state.json"
    for _ in range(2):
        try:
            cache.get("state", (path,), lambda: 1 / 0)
        except ZeroDivisionError:
            continue
        raise AssertionError("it was kept")
    assert cache.get("state", (path,), lambda: 7) == 7


def test_no_more_is_kept_than_it_may_and_the_longest_unused_goes(tmp_path):
    cache, readings = ReadCache(most=2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        cache.get(key, (tmp_path / key,), lambda key=key: readings.append(key))
    assert readings == ["a", "b", "c", "b"]


@given(st.lists(st.lists(st.integers(), max_size=4), max_size=6), st.binary(max_size=20).filter(lambda b: b"\n" not in b))
def test_each_whole_line_of_a_growing_file_is_read_once(tmp_path_factory, batches, torn):
    path = tmp_path_factory.mktemp("lines") / "events.jsonl"
    lines, told, given_lines = LineFile(path), [], []
    for batch in batches:
        for number in batch:
            append_line(path, {"n": number})
            given_lines.append(number)
        with path.open("ab") as file:
            file.write(torn)  # the next append removes it
        told += [line["n"] for line in lines.read()]
        assert told == given_lines
