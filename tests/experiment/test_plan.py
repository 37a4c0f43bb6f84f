from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from tfx_rollout.errors import InvalidPlan, NotFound
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.experiment import example_experiment_plans, experiment_from_dict, experiment_schema, load_experiment_plan
from tfx_rollout.traffic import Split, Track

PLAN = {
    "header": "X-User-Id",
    "variants": [{"version": 2, "share": 0.2}, {"version": 3, "share": 0.3}],
    "metric": {"name": "rating", "kind": "number", "within_seconds": 600, "low": 1, "high": 5},
}


def faults(**changes) -> list[str]:
    with pytest.raises(InvalidPlan) as error:
        experiment_from_dict({**PLAN, **changes})
    return list(error.value.faults)


@pytest.mark.parametrize("name", example_experiment_plans())
def test_the_examples_are_plans_and_come_back_from_their_own_documents(name):
    plan = load_experiment_plan(name)
    assert plan.name == name
    assert experiment_from_dict(json.loads(json.dumps(plan.to_json()))) == plan


def test_the_live_version_keeps_what_the_variants_leave():
    plan = experiment_from_dict(PLAN)
    assert plan.split == Split.among({Track.VARIANT_B: 0.2, Track.VARIANT_C: 0.3})
    assert plan.split.share(Track.STABLE) == 0.5
    assert (plan.version_of(Track.VARIANT_C), plan.header) == (3, "x-user-id")
    assert plan.metric == Metric("rating", "number", 600, "higher", 1, 5)


def test_windows_are_a_minute_and_longer_where_feedback_is_waited_for_very_long():
    assert experiment_from_dict(PLAN).window_seconds == 60
    assert experiment_from_dict({**PLAN, "metric": {**PLAN["metric"], "within_seconds": 86_400}}).window_seconds == 864


@pytest.mark.parametrize("given", ["2030-01-31", "2030-01-31T00:00:00Z", "2030-01-31T01:00:00+01:00"])
def test_the_end_is_a_date_or_a_number_of_days(given, tmp_path):
    end = datetime(2030, 1, 31, tzinfo=timezone.utc).timestamp()
    assert experiment_from_dict({**PLAN, "until": given}).ends_at(0) == end
    file = tmp_path / "test.yaml"
    file.write_text(f"{json.dumps(PLAN)[:-1]}, until: {given}}}")
    assert load_experiment_plan(file).ends_at(0) == end
    assert experiment_from_dict({**PLAN, "max_days": 2}).ends_at(1000) == 1000 + 2 * 86_400


def test_all_faults_are_told_at_once_with_field_and_mend():
    metric = {"name": "a b", "kind": "number", "low": 5, "high": 1, "within_seconds": "3"}
    variants = [{"version": 1, "share": 0.6}, {"version": 1, "share": 0.5}, {"version": 0, "shares": 1}]
    found = faults(header="x y", variants=variants, metric=metric, until="tomorrow", max_days=3, alpha=2, foo=1)
    for fault in (
        "header is 'x y', but must be the name of a header",
        "metric.name is 'a b', but must be a name of 1 to 64 characters",
        "metric.within_seconds is '3', but must be a plain number",
        "metric.low is 5, not less than metric.high 1",
        "variants[2].version is 0, but must be at least 1",
        "variants[2].share is missing",
        "variants[2].shares is an unknown key; did you mean 'share'?",
        "variants[1].version is 1 a second time",
        "alpha is 2, but must be less than 1",
        "until and max_days are both given",
        "until is 'tomorrow', but must be an ISO date",
        "foo is an unknown key",
    ):
        assert any(one.startswith(fault) for one in found), fault


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"variants": [{"version": 2, "share": 0.6}, {"version": 3, "share": 0.4}]}, "nothing is left for the live version"),
        ({"variants": []}, "variants is [], but must have at least 1 entry"),
        ({"metric": {**PLAN["metric"], "low": None}}, "metric.low is missing, which a number needs"),
        ({"metric": {**PLAN["metric"], "kind": "event"}}, "metric.low is 1, but only a number has bounds"),
        ({"metric": {"name": "correct", "kind": "event", "within_seconds": 9}}, "make it 'binary'"),
        ({"window_seconds": 0.5, "metric": {**PLAN["metric"], "within_seconds": 3600}}, "window_seconds is 0.5, too short"),
        ({"on_decision": "party"}, "on_decision is 'party', but must be 'hold', 'control' or 'promote'"),
    ],
)
def test_what_cannot_be_a_test_is_refused(changes, fault):
    assert any(fault in one for one in faults(**changes)), faults(**changes)


def test_a_plan_that_is_nowhere_is_not_found_and_no_mapping_is_no_plan():
    with pytest.raises(NotFound, match="conversion, rating"):
        load_experiment_plan("nonsense")
    with pytest.raises(NotFound):
        load_experiment_plan("folder/test.yaml")
    with pytest.raises(InvalidPlan, match="must be a mapping"):
        experiment_from_dict([])


def test_there_is_a_schema_for_editors():
    schema = experiment_schema()
    assert set(schema["required"]) == {"header", "variants", "metric"}
    assert schema["properties"]["alpha"]["exclusiveMaximum"] == 1
