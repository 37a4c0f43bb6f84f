from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidPlan, NotFound
from tfx_rollout.rollout import Plan, built_in_plans, json_schema, load_plan, plan_from_dict
from tfx_rollout.rollout.plan_document import default_bad_odds_ratio
from tfx_rollout.traffic import Split


def faults(document, **kwargs) -> list[str]:
    with pytest.raises(InvalidPlan) as caught:
        plan_from_dict(document, **kwargs)
    return list(caught.value.faults)


def only_fault(**fields) -> str:
    (fault,) = faults({"stages": [{"share": 0.1}], **fields})
    return fault


@pytest.mark.parametrize("name", built_in_plans())
def test_built_in_plans_are_valid_and_survive_a_round_trip(name):
    plan = load_plan(name)
    assert plan.name == name
    assert plan_from_dict(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_demo_plan_keeps_the_error_bounds_of_the_default_plan():
    default, demo = load_plan("default"), load_plan("demo")
    assert (default.alpha, default.beta) == (demo.alpha, demo.beta) == (0.05, 0.05)
    assert len(demo.stages) < len(default.stages)
    assert demo.window_seconds < default.window_seconds


def test_margins_of_the_default_plan_are_weighted_by_exposure():
    stages = load_plan("default").stages
    assert [(s.share, s.bad_odds_ratio) for s in stages] == [(0.01, 10.0), (0.05, 4.0), (0.25, 2.0), (0.5, 1.5)]
    assert {s.max_failure_rate for s in stages} == {0.01}


@given(st.floats(0.0001, 0.9999), st.floats(0.0001, 0.9999))
def test_the_more_a_stage_exposes_the_finer_it_looks(one, other):
    low, high = sorted((one, other))
    assert 10 >= default_bad_odds_ratio(low) >= default_bad_odds_ratio(high) >= 1.5


def test_stages_take_the_failure_rate_of_the_plan_unless_they_have_their_own():
    plan = plan_from_dict({"stages": [{"share": 0.1}, {"share": 0.5, "max_failure_rate": 0.002}], "max_failure_rate": 0.03})
    assert [s.max_failure_rate for s in plan.stages] == [0.03, 0.002]


def test_a_stage_knows_its_split():
    assert plan_from_dict({"stages": [{"share": 0.15}]}).stages[0].split == Split(1500)


def test_every_retry_of_a_version_halves_alpha():
    plan = plan_from_dict({"stages": [{"share": 0.1}]})
    assert [plan.rollback_threshold(attempt) for attempt in (0, 1, 2)] == [20, 40, 80]


def test_a_plan_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        load_plan("default").alpha = 0.5


def test_all_faults_are_reported_at_once_each_with_field_value_and_mend():
    found = faults(
        {
            "alhpa": 0.01,
            "beta": 1.5,
            "stages": [{"share": 0.5}, {"share": 0.2}, {"share": "3%", "on_inconclusive": "wait"}],
            "latency": {"slack": 3},
        },
        what="Plan mine.yaml",
    )
    assert sorted(found) == [
        "alhpa is an unknown key; did you mean 'alpha'?",
        "beta is 1.5, but must be less than 1; give 0.05, say",
        "latency.slack is an unknown key; did you mean 'slack_ms'?",
        "stages[1].share is 0.2, not more than the 0.5 of the stage before; shares must grow by 0.01 % or more",
        "stages[2].on_inconclusive is 'wait', but must be 'hold', 'ask', 'advance' or 'rollback'",
        "stages[2].share is '3%', but must be a plain number, without quotes, unit or percent sign; give 0.1, say",
    ]


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 7])
def test_alpha_must_lie_between_zero_and_one(alpha):
    assert only_fault(alpha=alpha).startswith(f"alpha is {alpha}, but must be")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"stages": []}, "stages is [], but must have at least 1 entry"),
        ({"stages": "fast"}, "stages is 'fast', but must be a list"),
        ({"stages": [0.1]}, "stages[0] is 0.1, but must be a mapping of fields"),
        ({"stages": [{"share": 1}]}, "stages[0].share is 1, but must be at most 0.9999; give 0.1, say"),
        ({"stages": [{}]}, "stages[0].share is missing; add it"),
        ({"stages": [{"share": 0.1, "min_seconds": 50, "max_seconds": 40}]}, "stages[0].min_seconds is 50, not less than"),
        ({"alpha": True}, "alpha is True, but must be a plain number"),
        ({"alpha": float("nan")}, "alpha is nan, but must be a finite number"),
        ({"min_windows": 2.5}, "min_windows is 2.5, but must be a whole number"),
        ({"keep_previous": "yes"}, "keep_previous is 'yes', but must be true or false"),
        ({"errors": {"weight": 0.7}}, "errors.weight and latency.weight are 0.7 and 0.5, but must add up to 1"),
        ({"promotion": "never"}, "promotion is 'never', but must be 'blessing', 'automatic' or 'approval'"),
    ],
)
def test_a_fault_says_what_is_wrong(fields, fault):
    assert only_fault(**fields).startswith(fault)


def test_shares_that_differ_by_less_than_the_split_can_show_do_not_grow():
    (fault,) = faults({"stages": [{"share": 0.1}, {"share": 0.10001}]})
    assert "shares must grow by 0.01 %" in fault


def test_something_else_than_a_mapping_is_refused():
    assert faults(None) == ["it is nothing, but must be a mapping of fields such as 'stages' and 'alpha'"]
    assert faults({}) == ["stages is missing; add it"]


def test_plans_are_read_from_yaml_and_json_and_named_after_their_file(tmp_path):
    (tmp_path / "nightly.yaml").write_text("stages:\n  - share: 0.2\nalpha: 0.01\n")
    (tmp_path / "weekly.json").write_text('{"stages": [{"share": 2e-1}], "alpha": 1e-2, "name": "named"}')
    nightly, weekly = load_plan(str(tmp_path / "nightly.yaml")), load_plan(tmp_path / "weekly.json")
    assert (nightly.name, weekly.name) == ("nightly", "named")
    assert nightly.stages == weekly.stages
    assert nightly.alpha == weekly.alpha == 0.01


@pytest.mark.parametrize(("name", "text"), [("a.yaml", "stages: [unclosed"), ("a.json", "{not json"), ("a.yaml", "\x00")])
def test_a_file_that_cannot_be_parsed_is_an_invalid_plan(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidPlan, match="is not valid"):
        load_plan(tmp_path / name)


def test_an_unknown_name_or_file_tells_what_there_is(tmp_path):
    with pytest.raises(NotFound, match=r"no plan fast in .*; known: default, demo"):
        load_plan("fast")
    with pytest.raises(NotFound, match="no plan file"):
        load_plan(tmp_path / "gone.yaml")


def test_the_schema_describes_every_field():
    schema = json_schema()
    definitions = [schema, *schema["$defs"].values()]
    described = {name for d in definitions for name, field in d["properties"].items() if "description" in field}
    assert {name for d in definitions for name in d["properties"]} - described == {"errors", "latency"}
    assert all(d["additionalProperties"] is False for d in definitions)
    assert {"stages", "alpha", "beta", "window_seconds", "promotion"} <= set(schema["properties"])


def test_every_field_of_the_plan_document_is_used_by_the_plan():
    schema = json_schema()
    assert set(schema["properties"]) - {"max_failure_rate"} == set(Plan.__dataclass_fields__)


def test_plans_can_be_used_without_paying_for_pydantic():
    code = "import sys, tfx_rollout.rollout.plan; assert 'pydantic' not in sys.modules, 'imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
