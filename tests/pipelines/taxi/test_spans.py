"""Trips cut by time: nothing lost, nothing twice, and live traffic that training did not see."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxi.features import COLUMNS, INTEGERS, LABEL, STRINGS, TIMESTAMP
from taxi.spans import as_request, cut, is_big_tipper, read_trips, recorded_trips, unseen, write_spans

TRIPS = 15_002
"""Trips in the file of the tfx wheel."""


@pytest.fixture(scope="module")
def trips():
    return read_trips(recorded_trips())


@pytest.fixture(scope="module")
def parts(trips):
    return cut(trips)


def times(part) -> list[int]:
    return [int(trip[TIMESTAMP]) for trip in part]


@given(
    at=st.lists(st.integers(0, 60), min_size=1, max_size=200),
    spans=st.integers(1, 6),
    held_back=st.floats(0.05, 0.9),
)
def test_every_trip_is_in_exactly_one_part_and_no_two_parts_share_a_time(at, spans, held_back):
    trips = [{TIMESTAMP: str(time), "number": str(number)} for number, time in enumerate(sorted(at))]
    parts = cut(trips, spans, held_back)
    assert len(parts) == spans + 1
    assert [trip for part in parts for trip in part] == trips
    filled = [part for part in parts if part]
    assert all(times(earlier)[-1] < times(later)[0] for earlier, later in pairwise(filled))


def test_the_real_trips_give_three_spans_and_a_held_back_one_of_a_quarter_each(trips, parts):
    assert len(trips) == TRIPS
    assert [len(part) for part in parts] == pytest.approx([TRIPS / 4] * 4, rel=0.01)
    assert [trip for part in parts for trip in part] == trips


def test_about_one_in_a_hundred_held_back_trips_has_a_company_that_the_last_span_did_not_know(parts):
    *_, last_span, held_back = parts
    assert 0.010 <= unseen(held_back, last_span) <= 0.014
    assert unseen(last_span, last_span) == 0


def test_a_tip_is_big_above_a_fifth_of_the_fare():
    assert is_big_tipper({"fare": "10.0", "tips": "2.01"})
    assert not is_big_tipper({"fare": "10.0", "tips": "2.0"})
    assert not is_big_tipper({"fare": "10.0", "tips": ""})
    assert not is_big_tipper({"fare": "0", "tips": "0"})


def test_a_trip_with_everything_missing_is_a_request_of_zeros_and_empty_strings():
    request = as_request(dict.fromkeys(COLUMNS, ""))
    assert request == {column: "" if column in STRINGS else 0 for column in COLUMNS}


def test_what_is_written_holds_every_trip_once_and_is_the_same_the_second_time(tmp_path, parts):
    written = write_spans(tmp_path / "a")
    again = write_spans(tmp_path / "b")
    for path, twin in zip((*written.trainable, written.held_back), (*again.trainable, again.held_back), strict=True):
        assert path.read_bytes() == twin.read_bytes()
        assert path.relative_to(tmp_path / "a") == twin.relative_to(tmp_path / "b")
    for path, part in zip(written.trainable, parts, strict=False):
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert list(rows[0]) == [TIMESTAMP, *COLUMNS, LABEL]
        assert [int(row[TIMESTAMP]) for row in rows] == times(part)
        assert [row[LABEL] for row in rows] == [str(int(is_big_tipper(trip))) for trip in part]


def test_the_held_back_trips_are_requests_in_strict_json_without_the_label(tmp_path, parts):
    lines = write_spans(tmp_path).held_back.read_text().splitlines()
    assert len(lines) == len(parts[-1])
    for line in lines:
        trip = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert tuple(trip) == COLUMNS
        for column, value in trip.items():
            assert type(value) is (str if column in STRINGS else int if column in INTEGERS else float)


def test_cutting_the_trips_needs_neither_tfx_nor_tensorflow():
    program = "import sys, taxi.spans, taxi.features; print(sorted({'tfx', 'tensorflow', 'pandas'} & set(sys.modules)))"
    asked = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert asked.stdout.strip() == "[]"
