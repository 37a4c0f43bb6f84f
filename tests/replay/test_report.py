from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.replay.report import QUANTILES, Answer, ReplayTally, quantile


def answer(track="stable", code="OK", latency_ms=5.0, version=1):
    return Answer(1795000000.0, latency_ms, "grpc", 0, code, track, version)


def tally_of(*answers):
    tally = ReplayTally()
    for one in answers:
        tally.add(one)
    return tally


def test_answers_are_counted_by_track_code_and_version():
    report = tally_of(
        answer(), answer(code="INTERNAL", version=None), answer("canary", version=2), answer(None, "UNAVAILABLE")
    ).report(2)
    assert (report.requests, report.failures) == (4, 2)
    assert (report.tracks["stable"].requests, report.tracks["stable"].failures) == (2, 1)
    assert report.tracks["canary"].versions == {2: 1}
    assert report.tracks["unknown"].codes == {"UNAVAILABLE": 1}


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values):
    ordered = sorted(values)
    for q in QUANTILES:
        found = quantile(ordered, q)
        assert sum(value <= found for value in ordered) >= q * len(ordered) - 1e-9
        assert sum(value < found for value in ordered) < math.ceil(q * len(ordered) - 1e-9)


def test_a_report_is_json_and_lines_for_people():
    report = tally_of(answer(), answer("canary", "INTERNAL", 70.0, None)).report(2.0)
    assert json.loads(json.dumps(report.to_json()))["tracks"]["canary"]["codes"] == {"INTERNAL": 1}
    lines = report.lines()
    assert lines[0] == "2 requests in 2.0 s (1/s), 1 failed"
    assert "INTERNAL 1" in lines[1]
    assert "p99 5.0 ms" in lines[2]
    assert "versions 1 (1)" in lines[2]


def test_a_report_tells_the_labels_that_were_given_and_those_that_were_not():
    report = tally_of(answer()).report(2.0, labels=3, labels_left=4)
    assert (report.to_json()["labels"], report.to_json()["labels_left"]) == (3, 4)
    assert report.lines()[0] == "1 requests in 2.0 s (0/s), 0 failed, 3 labels given, 4 labels not due yet"


def test_a_replay_of_nothing_has_a_report():
    assert ReplayTally().report(0).lines() == ["0 requests in 0.0 s (0/s), 0 failed"]
