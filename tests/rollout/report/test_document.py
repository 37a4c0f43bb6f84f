"""The report says what the journal says."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.rollout import build_report, read_rollout, render_text, start_rollout
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Track


def test_the_report_of_a_rollback_names_reason_harm_and_evidence(live, plan):
    live.canary(Behaviour(failures=0.2))
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    live.run()
    record = read_rollout(live.base, rollout)
    document = build_report(record)
    assert json.loads(json.dumps(document)) == document
    assert (document["outcome"], document["passed"], document["stable"], document["version"]) == ("rolled_back", False, 1, 2)
    assert (document["alpha"], document["beta"], document["plan"]) == (0.05, 0.05, "quick")
    failures = sum(window.counts(Track.CANARY).failures for window in record.windows)
    requests = sum(window.counts(track).requests for window in record.windows for track in (Track.STABLE, Track.CANARY))
    assert document["harmed_share"] == failures / requests
    assert document["tracks"]["canary"]["failures"] == failures
    assert document["tracks"]["canary"]["codes"]["INVALID_ARGUMENT"] == failures
    assert document["evidence"]["e_value"] >= document["evidence"]["threshold"]
    assert len(document["bad_windows"]) >= 2
    assert 0 < document["seconds_to_decision"] < 120
    text = render_text(document)
    assert "Outcome   rolled back" in text
    assert "% of the requests harmed" in text
    assert document["reason"] in text


def test_the_report_of_a_rollout_that_holds_says_passed_with_a_row_for_each_stage(live, plan):
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    live.run()
    document = build_report(read_rollout(live.base, rollout))
    assert (document["outcome"], document["passed"]) == ("passed", True)
    assert [(stage["stage"], stage["share"]) for stage in document["stages"]] == [(1, 0.1), (2, 0.5)]
    first, second = document["stages"]
    assert first["left_at"] <= second["in_force_at"]
    assert first["seconds"] >= 20
    for track in ("stable", "canary"):
        parts = sum(stage["tracks"][track]["requests"] for stage in document["stages"])
        assert document["tracks"][track]["requests"] == parts
    assert document["tracks"]["canary"]["p50_ms"] == pytest.approx(5, rel=0.1)
    assert len(render_text(document).splitlines()) > 8


def test_a_rollout_that_has_not_begun_has_a_report_too(live, plan):
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    document = build_report(read_rollout(live.base, rollout))
    assert (document["outcome"], document["passed"], document["stages"]) == ("running", False, [])
    assert (document["evidence"], document["harmed_share"]) == (None, 0.0)
    assert "version 2" in render_text(document)
