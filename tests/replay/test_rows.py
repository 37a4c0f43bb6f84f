from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidInput, NotFound
from tfx_rollout.replay import load_rows


def test_rows_are_objects_one_a_line(tmp_path):
    path = tmp_path / "trips.jsonl"
    path.write_text('{"fare": 1.5, "company": "A"}\n\n{"fare": 2}\n')
    assert load_rows(path) == [{"fare": 1.5, "company": "A"}, {"fare": 2}]


@pytest.mark.parametrize(
    ("text", "fault"), [("{}\n{", "Line 2"), ("[1]\n", "no JSON object"), ("\n", "no rows"), ("", "no rows")]
)
def test_what_is_no_row_is_named_by_its_line(tmp_path, text, fault):
    path = tmp_path / "trips.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=fault):
        load_rows(path)


def test_a_missing_or_binary_file_is_told(tmp_path):
    with pytest.raises(NotFound, match=r"trips\.jsonl"):
        load_rows(tmp_path / "trips.jsonl")
    (tmp_path / "trips.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match="UTF-8"):
        load_rows(tmp_path / "trips.jsonl")
