from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import CorruptState, StorageFault
from tfx_rollout.model_store.control_file import (
    append_line,
    append_lines,
    make_folder,
    read_json,
    read_lines,
    remove_file,
    write_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


@settings(max_examples=50, deadline=None)
@given(OBJECTS)
def test_a_document_reads_back_as_it_was_written(scratch: Path, data):
    path = scratch / "document.json"
    write_json(path, data)
    assert read_json(path) == data


@settings(max_examples=50, deadline=None)
@given(st.lists(OBJECTS, max_size=5))
def test_lines_read_back_in_the_order_they_were_appended(scratch: Path, lines):
    path = scratch / "lines.jsonl"
    path.unlink(missing_ok=True)
    for line in lines:
        append_line(path, line)
    assert read_lines(path) == lines


@settings(max_examples=50, deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=4), st.data())
def test_a_torn_last_line_is_ignored_and_the_next_append_removes_it(scratch: Path, lines, data):
    path = scratch / "torn.jsonl"
    path.unlink(missing_ok=True)
    for line in lines:
        append_line(path, line)
    whole = path.read_bytes()
    last = len(whole) - whole.rindex(b"\n", 0, -1) - 1 if len(lines) > 1 else len(whole)
    os.truncate(path, len(whole) - data.draw(st.integers(1, last)))
    assert read_lines(path) == lines[:-1]
    append_line(path, {"after": "the crash"})
    assert read_lines(path) == [*lines[:-1], {"after": "the crash"}]


def test_a_torn_line_longer_than_a_block_is_removed_too(tmp_path: Path):
    path = tmp_path / "lines.jsonl"
    append_line(path, {"first": 1})
    with path.open("ab") as file:
        file.write(b'{"torn": "' + b"x" * 20_000)
    append_line(path, {"second": 2})
    assert read_lines(path) == [{"first": 1}, {"second": 2}]


def test_what_is_not_there_reads_as_nothing(tmp_path: Path):
    assert read_json(tmp_path / "document.json") is None
    assert read_lines(tmp_path / "lines.jsonl") == []


@pytest.mark.parametrize("content", [b"[" * 100_000, b"", b"{", b"[1]", b"\xff\xfe", b'"text"'])
def test_a_document_that_is_no_object_is_corrupt(tmp_path: Path, content: bytes):
    path = tmp_path / "document.json"
    path.write_bytes(content)
    with pytest.raises(CorruptState, match="restore it from a copy"):
        read_json(path)


@pytest.mark.parametrize("line", [b"[" * 100_000, b"{", b"7", b""])
def test_a_line_in_the_middle_that_is_no_object_is_corrupt(tmp_path: Path, line: bytes):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"a":1}\n' + line + b'\n{"b":2}\n')
    with pytest.raises(CorruptState, match="line 2"):
        read_lines(path)


def test_writing_removes_what_killed_writers_of_the_same_document_left(tmp_path: Path):
    (tmp_path / ".a.json.123.tmp").write_text("half")
    (tmp_path / ".b.json.123.tmp").write_text("of another")
    write_json(tmp_path / "a.json", {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".b.json.123.tmp", "a.json"]
    remove_file(tmp_path / "b.json")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json"]


def test_a_document_that_cannot_be_written_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        write_json(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_in_place_of_a_document_is_one_sentence(tmp_path: Path):
    (tmp_path / "a.json").mkdir()
    for act in (lambda: write_json(tmp_path / "a.json", {}), lambda: read_json(tmp_path / "a.json")):
        with pytest.raises(StorageFault, match="a folder is where a file should be"):
            act()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_writing_into_a_missing_folder_is_one_sentence(tmp_path: Path):
    with pytest.raises(StorageFault, match="it is not there"):
        write_json(tmp_path / "missing" / "a.json", {})


def test_a_folder_is_made_with_its_parents_and_only_once(tmp_path: Path):
    make_folder(tmp_path / "a" / "b" / "c")
    make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageFault):
            make_folder(path)


def test_lines_appended_at_once_come_back_in_their_order(tmp_path):
    path = tmp_path / "log.jsonl"
    append_line(path, {"n": 0})
    append_lines(path, [{"n": 1}, {"n": 2}])
    append_lines(path, [])
    assert read_lines(path) == [{"n": 0}, {"n": 1}, {"n": 2}]
