from __future__ import annotations

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import CorruptState, InvalidInput
from tfx_rollout.evidence import feedback as module
from tfx_rollout.evidence import known_subjects as known_module
from tfx_rollout.evidence.expected_metrics import expect_metric, expect_no_metric
from tfx_rollout.evidence.feedback import Appended, append_feedback, feedback_folder, is_correct, read_feedback
from tfx_rollout.evidence.line_tail import LineTail
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.model_store import ModelStore

NOW = 1_795_000_000.0


@pytest.fixture
def base(tmp_path):
    return ModelStore(tmp_path).model("taxi")


def append(base, *rows, at=NOW):
    return append_feedback(base, rows, now=lambda: at)


def kept(base):
    return [row.to_json() for row in read_feedback(LineTail(feedback_folder(base)))]


def test_rows_are_kept_with_the_time_of_their_arrival(base):
    assert append(base, {"request_id": "a", "correct": True}, '{"request_id": "b", "label": 3}', "  \n") == Appended(2, 0)
    assert kept(base) == [{"id": "a", "at": NOW, "correct": True}, {"id": "b", "at": NOW, "label": "3"}]


def test_the_first_row_of_an_id_counts(base):
    assert append(base, {"request_id": "a", "correct": True}, {"request_id": "a", "correct": False}) == Appended(1, 1)
    assert append(base, {"request_id": "a", "correct": False}, {"request_id": "b", "correct": False}) == Appended(1, 1)
    assert [(row["id"], row["correct"]) for row in kept(base)] == [("a", True), ("b", False)]


def test_arrival_never_goes_back_though_the_clock_does(base):
    append(base, {"request_id": "a", "correct": True})
    append(base, {"request_id": "b", "correct": True}, at=NOW - 60)
    assert [row["at"] for row in kept(base)] == [NOW, NOW]


def test_a_label_with_its_prediction_says_right_or_wrong(base):
    append(
        base,
        {"request_id": "a", "label": 1, "prediction": "1"},
        {"request_id": "b", "label": "cat", "prediction": ["dog"]},
        {"request_id": "c", "label": True, "prediction": 0.7},
    )
    assert [(row["correct"], row["label"]) for row in kept(base)] == [(True, "1"), (False, "cat"), (True, "1")]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "is not JSON"),
        ("[1]", "is no JSON object"),
        ('{"correct": true}', "no request_id"),
        ('{"request_id": "a b", "correct": true}', "no request_id"),
        ('{"request_id": "a"}', "one of correct, label and metric"),
        ('{"request_id": "a", "correct": true, "label": 1}', "one of correct, label and metric"),
        ('{"request_id": "a", "correct": 1}', "1 for correct"),
        ('{"request_id": "a", "label": {}}', "label that is neither"),
        ('{"request_id": "a", "label": 1, "prediction": null}', "prediction that is neither"),
        ('{"request_id": "a", "label": 7, "prediction": 0.25}', "cannot be compared"),
        ('{"request_id": "a", "lable": 1}', "unknown fields .lable."),
        ('{"request_id": "a", "\\ud800": 1}', r"unknown fields .\\ud800."),
        ("[" * 100_000, "is not JSON"),
        ('{"request_id": "a", "label": ' + "[" * 900 + "]" * 900 + "}", "label that is neither"),
        ('{"request_id": "a", "correct": ' + "[" * 900 + "]" * 900 + "}", "a list for correct"),
        ('{"request_id": "a", "label": "' + "x" * 2000 + '"}', "a label of 2,000 characters"),
        ('{"request_id": "a", "label": 1, "prediction": ' + "9" * 2000 + "}", "a prediction of 2,000 characters"),
    ],
)
def test_a_faulty_row_is_named_and_nothing_is_taken_in(base, row, fault):
    with pytest.raises(InvalidInput, match=f"line 2 .*{fault}"):
        append(base, {"request_id": "a", "correct": True}, row)
    assert kept(base) == []


def test_all_faults_of_a_batch_are_told_at_once(base):
    with pytest.raises(InvalidInput, match="line 1 is not JSON; line 3 must have") as error:
        append(base, "x", {"request_id": "a", "correct": True}, {"request_id": "b"})
    assert "2 of its rows" in str(error.value)
    with pytest.raises(InvalidInput, match="and 80 more"):
        append(base, *["x"] * 100)


def test_a_refusal_is_a_sentence_however_long_the_row_is(base):
    long = "x" * 100_000
    for row in ({"request_id": "a", "correct": long}, {"request_id": "a", long: 1}, {long + str(n): 1 for n in range(100)}):
        with pytest.raises(InvalidInput) as error:
            append(base, row)
        assert len(str(error.value)) < 1000


def test_writers_at_once_take_each_id_in_once(base):
    batches = [[{"request_id": f"r{number}", "correct": True} for number in range(50)] for _ in range(4)]
    taken: list[Appended] = []
    threads = [threading.Thread(target=lambda rows=rows: taken.append(append(base, *rows))) for rows in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.new for one in taken) == 50
    assert len(kept(base)) == 50


def test_parts_grow_to_a_size_and_old_ones_go(base, monkeypatch):
    monkeypatch.setattr(module, "PART_BYTES", 100)
    monkeypatch.setattr(module, "KEEP_S", -1e9)  # every part is older than that
    for number in range(10):
        append(base, {"request_id": f"r{number}", "correct": True}, at=NOW + number)
    parts = sorted(feedback_folder(base).glob("*.jsonl"))
    assert len(parts) == 1
    assert int(parts[0].stem) > NOW * 1000
    assert kept(base)[-1]["id"] == "r9"


def test_a_line_that_a_crash_tore_is_replaced(base):
    append(base, {"request_id": "a", "correct": True})
    (part,) = feedback_folder(base).glob("*.jsonl")
    with part.open("a") as file:
        file.write('{"id": "b", "at"')
    append(base, {"request_id": "c", "correct": True})
    assert [row["id"] for row in kept(base)] == ["a", "c"]


def test_a_line_of_something_else_is_told(base):
    append(base, {"request_id": "a", "correct": True})
    (part,) = feedback_folder(base).glob("*.jsonl")
    with part.open("a") as file:
        file.write(json.dumps({"other": 1}) + "\n")
    with pytest.raises(CorruptState, match="feedback"):
        kept(base)


@pytest.mark.parametrize(
    ("prediction", "label", "correct"),
    [
        ("3", "3", True),
        ("3", "4", False),
        ("cat", "dog", False),
        ("0.51", "1", True),
        ("0.5", "1", False),
        ("0.2", "0", True),
        ("0.2", "3", None),
        ("12.5", "1", None),
        ("nan", "1", None),
        ("12.5", "12.5", True),
    ],
)
def test_a_class_is_compared_as_it_is_and_a_score_by_its_half(prediction, label, correct):
    assert is_correct(prediction, label) is correct


@given(st.text(max_size=5), st.text(max_size=5))
def test_whatever_is_compared_gives_a_plain_answer(prediction, label):
    assert is_correct(prediction, label) in (True, False, None)
    assert is_correct(prediction, prediction) is True


def test_a_metric_has_a_row_of_its_own_beside_labels_and_other_metrics(base):
    rows = [
        {"request_id": "a", "metric": "conversion", "value": True},
        {"request_id": "a", "metric": "rating", "value": 4},
        {"request_id": "a", "correct": False},
        {"request_id": "a", "metric": "rating", "value": 5},
    ]
    assert append(base, *rows) == Appended(3, 1)
    assert kept(base) == [
        {"id": "a", "at": NOW, "metric": "conversion", "value": True},
        {"id": "a", "at": NOW, "metric": "rating", "value": 4},
        {"id": "a", "at": NOW, "correct": False},
    ]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"metric": "rating"}, "no value of rating"),
        ({"metric": "rating", "value": "4"}, "no value of rating"),
        ({"metric": "rating", "value": float("nan")}, "no value of rating"),
        ({"metric": "rating", "value": 10**400}, "no value of rating"),
        ({"metric": "", "value": 4}, "no metric of 1 to 64"),
        ({"metric": "correct", "value": True}, "the metric correct, which is told as"),
        ({"metric": "rating", "value": 4, "correct": True}, "one of correct, label and metric"),
        ({"metric": "rating", "value": 4, "prediction": 1}, "belongs to a label"),
        ({"correct": True, "value": 4}, "no metric that it is of"),
    ],
)
def test_a_faulty_value_of_a_metric_is_told(base, row, fault):
    with pytest.raises(InvalidInput, match=fault):
        append(base, {"request_id": "a", **row})


def test_a_value_that_the_running_test_cannot_take_is_refused(base):
    expect_metric(base, Metric("rating", "number", within_seconds=60, low=1, high=5))
    for value, fault in ((0, "0 for rating, which is not between 1 and 5"), (True, "true for rating, which is no number")):
        with pytest.raises(InvalidInput, match=fault):
            append(base, {"request_id": "a", "metric": "rating", "value": value})
    expect_metric(base, Metric("bought", "event", within_seconds=60))
    with pytest.raises(InvalidInput, match="1 for bought, which is neither true nor false"):
        append(base, {"request_id": "a", "metric": "bought", "value": 1})
    expect_no_metric(base)
    expect_no_metric(base)
    assert append(base, {"request_id": "a", "metric": "bought", "value": 1}) == Appended(1, 0)


def test_what_is_known_is_not_read_again_and_forgotten_with_the_parts_that_have_it(base, monkeypatch):
    monkeypatch.setattr(known_module, "RECENT", 10)
    for start in range(0, 40, 8):
        rows = [{"request_id": f"r{number}", "correct": True} for number in range(start, start + 8)]
        assert append(base, *rows) == Appended(8, 0)
    # Another process gives some too.
    line = json.dumps({"id": "other", "at": NOW + 5, "metric": "rating", "value": 4})
    part = next(feedback_folder(base).glob("*.jsonl"))
    part.write_text(f"{part.read_text()}{line}\n")
    again = [{"request_id": f"r{number}", "correct": False} for number in range(40)]
    assert append(base, *again, {"request_id": "other", "metric": "rating", "value": 1}) == Appended(0, 41)
    assert append(base, {"request_id": "late", "correct": True}) == Appended(1, 0)
    assert kept(base)[-1] == {"id": "late", "at": NOW + 5, "correct": True}
    part.unlink()
    assert append(base, {"request_id": "r1", "correct": True}) == Appended(1, 0)
