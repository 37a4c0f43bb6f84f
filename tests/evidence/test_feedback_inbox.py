from __future__ import annotations

import os

import pytest

from tfx_rollout.evidence.feedback import feedback_folder, read_feedback
from tfx_rollout.evidence.feedback_inbox import inbox, take_in
from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.model_store import ModelStore

NOW = 1_795_000_000.0
ROW = '{"request_id": "a", "correct": true}\n'


@pytest.fixture
def base(tmp_path):
    base = ModelStore(tmp_path).model("taxi")
    inbox(base).mkdir(parents=True)
    return base


def put(base, name, text, *, age=10.0):
    path = inbox(base) / name
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))


def taken(base):
    return list(take_in(base, now=lambda: NOW))


def names(base, folder):
    return sorted(path.name for path in (inbox(base) / folder).glob("*") if path.is_file())


def test_without_a_folder_there_is_nothing_to_do(tmp_path):
    assert list(take_in(ModelStore(tmp_path).model("taxi"))) == []


def test_a_file_is_taken_in_and_moved(base):
    put(base, "monday.jsonl", ROW)
    assert taken(base) == ["monday.jsonl was taken in: 1 new, 0 known"]
    assert (names(base, "."), names(base, "done")) == ([], ["monday.jsonl"])
    assert [row.request_id for row in read_feedback(LineTail(feedback_folder(base)))] == ["a"]
    assert taken(base) == []


def test_a_faulty_file_is_refused_with_the_reason_beside_it_and_the_others_are_taken_in(base):
    put(base, "bad.jsonl", ROW + "{}\n")
    put(base, "good.jsonl", ROW)
    said = taken(base)
    assert [line.split(":")[0] for line in said] == ["bad.jsonl was refused", "good.jsonl was taken in"]
    assert names(base, "refused") == ["bad.jsonl", "bad.jsonl.reason"]
    assert "line 2 has no request_id" in (inbox(base) / "refused" / "bad.jsonl.reason").read_text()


def test_a_file_that_is_still_being_written_is_left_for_the_next_time(base):
    put(base, "now.jsonl", ROW, age=0.5)
    put(base, "part.tmp", ROW)
    assert taken(base) == []
    assert names(base, ".") == ["now.jsonl", "part.tmp"]


def test_files_of_one_name_are_all_kept(base):
    for number in range(3):
        put(base, "labels.jsonl", ROW.replace('"a"', f'"a{number}"'))
        taken(base)
    assert names(base, "done") == ["labels.1.jsonl", "labels.2.jsonl", "labels.jsonl"]


def test_a_file_that_was_taken_in_but_not_moved_changes_nothing_the_second_time(base):
    put(base, "a.jsonl", ROW)
    taken(base)
    put(base, "a.jsonl", ROW)
    assert taken(base) == ["a.jsonl was taken in: 0 new, 1 known"]
    assert len(list(read_feedback(LineTail(feedback_folder(base))))) == 1
