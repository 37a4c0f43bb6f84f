from __future__ import annotations

import pytest

PLAN = """
name: hasty
stages: [{share: 0.1}, {share: 0.5}]
"""


@pytest.fixture
def hasty(tmp_path):
    """A plan that is decided in a few minutes."""
    path = tmp_path / "hasty.yaml"
    path.write_text(PLAN)
    return path


def test_a_simulation_is_a_document(run_json, hasty):
    arguments = ("simulate", "--scenario", "errors-10pct", "--runs", 20, "--seed", 3, "--rps", 80, "--plan", hasty)
    document = run_json(*arguments)
    assert document["scenario"] == "errors-10pct"
    assert (document["plan"], document["seed"], document["rps"]) == ("hasty", 3, 80)
    assert document["runs"] == 20 == sum(document[outcome] for outcome in ("promoted", "rolled_back", "undecided"))
    assert document["rolled_back"] == 20
    for spread in ("minutes", "canary_requests", "canary_failures"):
        assert list(document[spread]) == ["p10", "p50", "p90"]
        assert 0 < document[spread]["p10"] <= document[spread]["p50"] <= document[spread]["p90"]
    assert len(document["stage_minutes"]) == 2
    assert run_json(*arguments) == document


def test_a_person_reads_a_table(run, hasty):
    text = run("simulate", "--scenario", "class-shift", "--runs", 10, "--plan", hasty, "--rps", 100).stdout
    assert "class-shift: one of ten classes is predicted in 20 % instead of 10 %. By plan hasty" in text
    for row in ("rolled back", "minutes to the decision", "minutes in stage 2", "requests to the canary"):
        assert row in text
    assert "ended when a person was asked" in text


def test_an_unknown_scenario_is_answered_with_those_there_are(run):
    refused = run("simulate", "--scenario", "nonsense")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "There is no scenario 'nonsense'; choose one of null, null-clean" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_boundary_without_its_stage_is_refused_in_a_sentence(run, hasty):
    refused = run("simulate", "--scenario", "boundary-25", "--plan", hasty)
    assert refused.exit_code == 2
    assert "needs a stage with a share of 0.25, and plan hasty has 0.1, 0.5" in refused.stderr


def test_low_traffic_says_how_many_requests_it_really_had(run_json, hasty):
    document = run_json("simulate", "--scenario", "null-low-traffic", "--runs", 3, "--plan", hasty, "--hours", 0.05)
    assert (document["rps"], document["undecided"]) == (2, 3)
    assert document["minutes"] == {"p10": None, "p50": None, "p90": None}


def test_a_plan_with_options_alone_is_forecast(run, run_json, hasty):
    arguments = ("--plan", hasty, "--rps", 100, "--failure-rate", 0.002, "--runs", 4, "--hours", 0.2)
    assert run_json("plan", *arguments) == run_json("plan", "forecast", *arguments)
    assert "forecast" in run("plan", "--help").output


def test_a_forecast_tells_times_per_stage_and_what_each_regression_costs(run, run_json, hasty):
    arguments = ("plan", "forecast", "--plan", hasty, "--rps", 100, "--failure-rate", 0.002, "--runs", 8, "--hours", 0.5)
    document = run_json(*arguments)
    assert (document["plan"], document["good"]["runs"], len(document["good"]["stage_minutes"])) == ("hasty", 8, 2)
    found = {line["scenario"]: line for line in document["regressions"]}
    assert {"errors-x2", "errors-x5", "errors-10pct", "latency-x1.2", "accuracy-3pt", "class-shift"} <= set(found)
    assert found["errors-10pct"]["rolled_back"] == 4
    assert found["errors-10pct"]["minutes"]["p50"] < document["good"]["minutes"]["p50"]
    text = run(*arguments).stdout
    assert "A good model under plan hasty at 100 requests a second: promoted in 100.0% of 8" in text
    assert "failures × 5 (0.20% → 1.00%)" in text
    assert "to the decision" in text


def test_impossible_base_rates_are_refused_in_a_sentence(run):
    refused = run("plan", "forecast", "--rps", 0, "--accuracy", 2)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "rps is 0, but must be above 0; accuracy is 2" in refused.stderr
