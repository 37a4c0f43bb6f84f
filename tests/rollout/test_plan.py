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
from tfx_rollout.rollout.plan import METRICS
from tfx_rollout.rollout.plan_document import default_bad_odds_ratio, default_max_failure_rate
from tfx_rollout.traffic import Split, Track


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


def test_margins_are_weighted_by_exposure():
    plan = plan_from_dict({"stages": [{"share": share} for share in (0.01, 0.05, 0.25, 0.5)]})
    assert [(s.share, s.bad_odds_ratio) for s in plan.stages] == [(0.01, 10.0), (0.05, 4.0), (0.25, 2.0), (0.5, 1.5)]


@given(st.floats(0.0001, 0.9999), st.floats(0.0001, 0.9999))
def test_the_more_a_stage_exposes_the_finer_it_looks(one, other):
    low, high = sorted((one, other))
    assert 10 >= default_bad_odds_ratio(low) >= default_bad_odds_ratio(high) >= 1.5
    assert 1 > default_max_failure_rate(low) >= default_max_failure_rate(high) > 0


def test_stages_take_the_failure_rate_of_the_plan_unless_they_have_their_own():
    plan = plan_from_dict({"stages": [{"share": 0.1}, {"share": 0.5, "max_failure_rate": 0.002}], "max_failure_rate": 0.03})
    assert [s.max_failure_rate for s in plan.stages] == [0.03, 0.002]


EVERY_KIND = [
    {"kind": "shadow", "mirror": 0.3},
    {"kind": "shadow"},
    {"kind": "header", "min_seconds": 60},
    {"share": 0.05},
    {"kind": "canary", "share": 0.5, "approval": True},
    {"kind": "bake", "hold_back": 0.1},
]


def test_stages_of_every_kind_have_the_share_mirror_and_time_that_belong_to_it():
    stages = plan_from_dict({"stages": EVERY_KIND}).stages
    assert [(s.kind, s.share, s.mirror, s.min_seconds) for s in stages] == [
        ("shadow", 0.0, 0.3, 120.0),
        ("shadow", 0.0, 1.0, 120.0),
        ("header", 0.0, 0.0, 60.0),
        ("canary", 0.05, 0.0, 120.0),
        ("canary", 0.5, 0.0, 120.0),
        ("bake", 0.9, 0.0, 600.0),
    ]
    assert [s.track for s in stages] == [Track.SHADOW, Track.SHADOW, Track.CANARY, Track.CANARY, Track.CANARY, Track.CANARY]


def test_a_bake_stage_leaves_a_twentieth_to_the_version_before():
    assert plan_from_dict({"stages": [{"share": 0.5}, {"kind": "bake"}]}).stages[-1].split == Split(9500)


def test_metrics_are_weighed_against_each_other_and_limits_only_where_there_is_one():
    stages = [{"share": 0.1}]
    assert plan_from_dict({"stages": stages}).weights() == dict.fromkeys(("errors", "latency", "predictions", "accuracy"), 0.25)
    some = {"predictions": {"weight": 0}, "accuracy": {"weight": 0}, "errors": {"weight": 3}, "latency": {"weight": 1}}
    assert plan_from_dict({"stages": stages, **some}).weights() == {"errors": 0.75, "latency": 0.25}
    limited = {**some, "limits": {"p99_ms": 50, "weight": 4}}
    assert plan_from_dict({"stages": stages, **limited}).weights() == {"errors": 0.375, "latency": 0.125, "limits": 0.5}


seconds = st.floats(1, 1000)
margins = {"bad_odds_ratio": st.floats(1.1, 20), "max_failure_rate": st.floats(0.001, 0.2), "approval": st.booleans()}
steps = st.lists(st.integers(1, 9000), unique=True, max_size=4)


@st.composite
def documents(draw):
    """Valid plan documents of all shapes."""

    def stages(kind, own, most, least=0):
        optional = {"min_seconds": seconds, "on_inconclusive": st.sampled_from(["hold", "ask", "advance", "rollback"]), **margins}
        stage = st.fixed_dictionaries({"kind": st.just(kind)}, optional={**optional, **own})
        return draw(st.lists(stage, min_size=least, max_size=most))

    shares = sorted(draw(steps.filter(len)))
    canaries = stages("canary", {}, len(shares), len(shares))
    found = {
        "stages": [
            *stages("shadow", {"mirror": st.floats(0.0001, 1)}, 2),
            *stages("header", {}, 1),
            *({**stage, "share": share / 10_000} for stage, share in zip(canaries, shares, strict=True)),
            *stages("bake", {"hold_back": st.floats(0.0001, 0.05)}, 1),
        ],
        "accuracy": {"ages": sorted(draw(st.lists(seconds, min_size=1, max_size=4, unique=True)))},
        "step_back": {"shares": [share / 10_000 for share in sorted(draw(steps), reverse=True)]},
        "errors": {"weight": draw(st.floats(0.1, 10))},
        "limits": draw(st.fixed_dictionaries({}, optional={"p99_ms": seconds, "failure_rate": st.floats(0.001, 0.5)})),
    }
    return {**found, **draw(st.sampled_from([{}, {"unit": "user", "unit_header": "X-User"}]))}


@given(documents())
def test_every_plan_can_be_read_back_as_the_same_plan(document):
    plan = plan_from_dict(document)
    assert plan_from_dict(json.loads(json.dumps(plan.to_json())), name="another") == plan


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


@pytest.mark.parametrize(
    ("document", "place"), [({"\ud800": 1}, "document"), ({"name": "\udfff"}, "name"), ({"latency": {"\ud800": 1}}, "latency")]
)
def test_half_a_surrogate_pair_is_no_text(document, place):
    assert f"{place} has a text that is no Unicode; give text in UTF-8" in faults({"stages": [{"share": 0.5}], **document})


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
        ({"errors": {"weight": -1}}, "errors.weight is -1, but must be at least 0"),
        ({"promotion": "never"}, "promotion is 'never', but must be 'blessing', 'automatic' or 'approval'"),
    ],
)
def test_a_fault_says_what_is_wrong(fields, fault):
    assert only_fault(**fields).startswith(fault)


NO_WEIGHT = {metric: {"weight": 0} for metric in ("errors", "latency", "predictions", "accuracy")}
CANARY = {"share": 0.1}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (NO_WEIGHT, "errors.weight, latency.weight, predictions.weight, accuracy.weight are all 0, so that nothing would be"),
        (
            {**NO_WEIGHT, "limits": {"p99_ms": 5, "weight": 0}},
            "errors.weight, latency.weight, predictions.weight, accuracy.weight,",
        ),
        (
            {"stages": [CANARY, {"kind": "shadow"}]},
            "stages[1].kind is 'shadow' after 'canary'; give the kinds in the order shadow,",
        ),
        ({"stages": [CANARY, {"kind": "bake"}, {"kind": "bake", "hold_back": 0.01}]}, "stages[2].kind is 'bake' a second time"),
        ({"stages": [{"kind": "shadow"}]}, "stages has no canary stage; add at least one"),
        (
            {"stages": [{**CANARY, "kind": "mirror"}]},
            "stages[0].kind is 'mirror', but must be 'shadow', 'header', 'canary' or 'bake'",
        ),
        ({"stages": [{**CANARY, "mirror": 1}]}, "stages[0].mirror is 1 in a canary stage; only a shadow stage has it, remove it"),
        (
            {"stages": [{"kind": "header", "share": 0.1}, CANARY]},
            "stages[0].share is 0.1 in a header stage; only a canary stage has",
        ),
        (
            {"stages": [{"share": 0.99}, {"kind": "bake"}]},
            "stages[1].hold_back is 0.05, which leaves a share of 0.95, not more than",
        ),
        ({"stages": [CANARY, {"kind": "bake", "hold_back": 0.6}]}, "stages[1].hold_back is 0.6, but must be at most 0.5"),
        (
            {"stages": [CANARY, {"kind": "bake", "max_seconds": 300}]},
            "stages[1].min_seconds is 600.0, not less than its max_seconds",
        ),
        ({"unit": "user"}, "unit_header is missing, which unit 'user' needs"),
        ({"unit_header": "x-user"}, "unit_header is 'x-user' while unit is 'request'; set unit to 'user', or remove the header"),
        ({"unit": "user", "unit_header": "x user"}, "unit_header is 'x user', but must be the name of a header"),
        ({"accuracy": {"ages": [60, 60]}}, "accuracy.ages[1] is 60, not more than the 60 before it"),
        ({"accuracy": {"ages": []}}, "accuracy.ages is [], but must have at least 1 entry"),
        ({"accuracy": {"ages": [60, "1h"]}}, "accuracy.ages[1] is '1h', but must be a plain number"),
        ({"step_back": {"shares": [0.2, 0.5]}}, "step_back.shares[1] is 0.5, not less than the 0.2 before it"),
        ({"step_back": {"shares": [1.0]}}, "step_back.shares[0] is 1.0, but must be at most 0.9999"),
        ({"limits": {"p99": 5}}, "limits.p99 is an unknown key; did you mean 'p99_ms'?"),
    ],
)
def test_fields_that_do_not_go_together_are_one_fault_each(fields, fault):
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
    assert {name for d in definitions for name in d["properties"]} - described == {*METRICS, "step_back"}
    assert all(d["additionalProperties"] is False for d in definitions)
    assert {"stages", "alpha", "beta", "window_seconds", "promotion"} <= set(schema["properties"])


def test_every_field_of_the_plan_document_is_used_by_the_plan():
    schema = json_schema()
    assert set(schema["properties"]) - {"max_failure_rate"} == set(Plan.__dataclass_fields__)


def test_plans_can_be_used_without_paying_for_pydantic():
    code = "import sys, tfx_rollout.rollout.plan; assert 'pydantic' not in sys.modules, 'imported'"
    subprocess.run([sys.executable, "-c", code], check=True)
