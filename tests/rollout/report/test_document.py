"""The report says what the journal says."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

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
    verdict = record.verdicts[document["evidence_window"]]
    evidence = deepcopy(document["evidence"])
    assert evidence["metrics"]["errors"]["tests"][0].pop("odds_ratio")
    assert evidence == verdict.to_json()
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


def test_it_says_who_ordered_what_and_why(promoted):
    document = build_report(promoted)
    order = {key: document["orders"][0][key] for key in ("kind", "by", "why", "taken")}
    assert order == {"kind": "promote", "by": "ben", "why": "all evidence is fine", "taken": True}
    event = next(event for event in document["events"] if event["event"] == "promote")
    assert event["by"] == "ben"
    assert document["events"] == promoted.events


def test_the_whole_plan_and_what_it_promises_are_there(promoted):
    document = build_report(promoted)
    assert document["weights"] == promoted.plan.weights()
    assert document["plan_document"] == promoted.plan.to_json()
    assert (document["attempt"], document["threshold"], document["suspicion"]) == (0, 20, pytest.approx(20**0.5))


def test_each_stage_has_the_evidence_it_was_left_with(promoted):
    document = build_report(promoted)
    first, second = document["stages"]
    assert first["evidence"]["call"] == "advance"
    assert second["evidence"] == promoted.verdicts[promoted.windows[-1].number].to_json()
    assert first["windows"] + second["windows"] == document["windows"]


def test_verdicts_that_say_the_same_in_a_row_are_one_line(promoted):
    document = build_report(promoted)
    rows = document["verdicts"]
    assert sum(row["windows"] for row in rows) == document["windows"]
    assert all((one["stage"], one["call"]) != (next["stage"], next["call"]) for one, next in pairwise(rows))
    assert [row["from_window"] for row in rows[1:]] == [row["to_window"] + 1 for row in rows[:-1]]
    assert rows[-1]["reasons"] == list(promoted.verdicts[rows[-1]["to_window"]].reasons)
    assert {row["stage"] for row in rows} == {1, 2}


def test_what_was_rolled_back_after_it_had_passed_was_decided_by_the_rollback(live, plan):
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    live.run()
    passed = build_report(read_rollout(live.base, rollout))
    live.canary(Behaviour(failures=0.3))
    live.run(lambda state: state.finished)
    document = build_report(read_rollout(live.base, rollout))
    assert document["outcome"] == "rolled_back"
    assert document["decided_at"] > passed["decided_at"]
    assert document["evidence"]["call"] == "rollback"


def test_a_void_window_is_left_out_of_the_figures_but_its_harm_is_counted(rolled_back):
    first, *others = rolled_back.windows
    record = replace(rolled_back, windows=[replace(first, void=True), *others])
    document, before = build_report(record), build_report(rolled_back)
    assert (document["windows"], document["void_windows"]) == (before["windows"] - 1, 1)
    assert document["series"]["window"][0] == 2
    assert document["harmed_share"] == before["harmed_share"]


def test_ten_thousand_windows_give_at_most_two_thousand_points_and_every_event(long):
    document = build_report(long)
    series = document["series"]
    assert (series["windows"], series["thinned"], series["windows_per_point"]) == (10_000, True, 5)
    assert len(series["end"]) == 2000
    assert document["events"] == long.events
    for track in (Track.STABLE, Track.CANARY):
        requests = sum(window.counts(track).requests for window in long.windows)
        assert sum(series["tracks"][str(track)]["requests"]) == document["tracks"][str(track)]["requests"] == requests
    assert len(json.dumps(document)) < 2_000_000


def test_a_shadow_stage_has_a_track_of_its_own_and_harms_nobody(live, plan):
    live.canary(Behaviour(failures=0.3))
    shadow = {"kind": "shadow", "mirror": 0.5, "min_seconds": 10, "max_seconds": 300}
    rollout = start_rollout(live.base, 2, plan(first=[shadow]), by="ann", why="a new version")
    live.run(lambda state: state.finished)
    document = build_report(read_rollout(live.base, rollout))
    (stage,) = document["stages"]
    assert (stage["kind"], stage["mirror"]) == ("shadow", 0.5)
    assert stage["tracks"]["shadow"]["failures"] > 0
    assert document["series"]["tracks"]["shadow"]["requests"][0] > 0
    assert (document["tracks"]["canary"]["requests"], document["harmed_share"]) == (0, 0.0)
    assert "shadow 50 %" in render_text(document)


def test_two_stages_with_the_same_split_keep_their_windows_apart(live, plan):
    stages = [{"kind": "shadow", "mirror": 0.5, "min_seconds": 10}, {"kind": "header", "min_seconds": 15}]
    rollout = start_rollout(live.base, 2, plan(first=stages), by="ann", why="a new version")
    live.run()
    document = build_report(read_rollout(live.base, rollout))
    assert [stage["kind"] for stage in document["stages"]] == ["shadow", "header", "canary", "canary"]
    assert all(stage["windows"] for stage in document["stages"])
    assert sum(stage["windows"] for stage in document["stages"]) == document["windows"]
    assert document["stages"][1]["tracks"]["shadow"]["requests"] == 0
