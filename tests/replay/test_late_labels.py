from __future__ import annotations

import asyncio
import json
import time

import pytest

from tfx_rollout.errors import InvalidInput, StorageFault
from tfx_rollout.replay import FeedbackFile, FeedbackFolder, LateLabels
from tfx_rollout.replay.late_labels import LabelQueue

ROWS = [{"tip": 1}, {"tip": 0}, {"tip": None}, {"tip": "big"}, {}, {"tip": 12.5}]


class Taken:
    """Keeps what was delivered, and when."""

    def __init__(self):
        self.rows = []

    def __call__(self, feedback):
        self.rows += [(time.monotonic(), row) for row in feedback]


def given(answers, *, after_s=0.0):
    taken = Taken()
    queue = LabelQueue(LateLabels("tip", after_s, taken, every_s=0.01), ROWS)
    for number, (row, prediction) in enumerate(answers):
        queue.answered(f"id-{number}", row, prediction)
    asyncio.run(queue.deliver_until(lambda: not queue.left))
    assert queue.given == len(taken.rows)
    return taken.rows


def test_a_label_is_told_by_id_and_with_the_prediction_where_they_can_be_compared():
    told = [row for _, row in given([(0, 0.9), (1, "1"), (3, "big"), (0, None)])]
    assert told == [
        {"request_id": "id-0", "label": 1, "prediction": 0.9},
        {"request_id": "id-1", "label": 0, "prediction": "1"},
        {"request_id": "id-2", "label": "big", "prediction": "big"},
        {"request_id": "id-3", "label": 1},
    ]


def test_a_number_that_no_class_can_be_compared_with_stands_alone():
    assert [row for _, row in given([(5, 12.25)])] == [{"request_id": "id-0", "label": 12.5}]


def test_rows_without_a_label_have_none_to_give():
    assert given([(2, 0.9), (4, 0.9)]) == []


def test_a_label_is_given_when_it_is_due_and_not_before():
    began = time.monotonic()
    ((at, _),) = given([(0, 0.9)], after_s=0.3)
    assert at - began >= 0.3


def test_what_is_not_due_when_it_is_over_is_left():
    taken = Taken()
    queue = LabelQueue(LateLabels("tip", 60.0, taken), ROWS)
    queue.answered("id", 0, None)
    asyncio.run(queue.deliver_until(lambda: True))
    assert (queue.given, queue.left, taken.rows) == (0, 1, [])


def test_rows_without_labels_or_with_strange_ones_are_told_at_once():
    with pytest.raises(InvalidInput, match="'big_tip'"):
        LateLabels("big_tip", 1.0, Taken()).check(ROWS)
    with pytest.raises(InvalidInput, match=r"neither a text nor a number: \{\}"):
        LateLabels("tip", 1.0, Taken()).check([*ROWS, {"tip": {}}])
    with pytest.raises(InvalidInput, match="-1"):
        LateLabels("tip", -1.0, Taken())


def test_a_file_is_appended_to(tmp_path):
    path = tmp_path / "labels.jsonl"
    for number in range(2):
        FeedbackFile(path)([{"request_id": f"{number}"}])
    assert [json.loads(line)["request_id"] for line in path.read_text().splitlines()] == ["0", "1"]


def test_a_folder_gets_whole_files_only(tmp_path):
    folder = FeedbackFolder(tmp_path / "inbox", "one")
    folder([{"request_id": "a"}])
    folder([{"request_id": "b"}, {"request_id": "c"}])
    assert sorted(path.name for path in (tmp_path / "inbox").iterdir()) == ["one-000001.jsonl", "one-000002.jsonl"]
    assert len((tmp_path / "inbox" / "one-000002.jsonl").read_text().splitlines()) == 2


def test_a_place_that_cannot_be_written_is_told_before_anything_is_sent(tmp_path):
    with pytest.raises(StorageFault, match=r"nowhere"):
        FeedbackFile(tmp_path / "nowhere" / "labels.jsonl")
    (tmp_path / "file").touch()
    with pytest.raises(StorageFault, match=r"file"):
        FeedbackFolder(tmp_path / "file", "one")
