"""kfp's own messages say whether the server could read a pipeline; and lint ends with findings, whatever it is given."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import Documents, KubeflowSettings, finish, lint, parse

pytestmark = pytest.mark.integration

Path = tuple[Any, ...]


def test_a_finished_pipeline_is_readable_to_the_last_field(finished: Documents):
    assert lint(finished) == ()


def test_a_field_that_kfp_does_not_know_is_found_together_with_the_other_faults(finished: Documents):
    finished.pipeline["speed"] = "high"
    finished.pipeline["deploymentSpec"]["executors"]["Trainer_executor"]["container"]["colour"] = "red"
    finished.pipeline["schemaVersion"] = "2.0.0"
    found = [(finding.rule, finding.node) for finding in lint(finished)]
    assert found == [("unreadable", "the first document"), ("unreadable", "deploymentSpec"), ("schema-version", "schemaVersion")]


@pytest.mark.parametrize("broken", [{"root": 5}, {"components": []}, {"root": {"dag": {"tasks": "all"}}}, {"deploymentSpec": 1}])
def test_what_has_not_even_the_shape_is_told_once(finished: Documents, broken: dict[str, Any]):
    (finding,) = lint(replace(finished, pipeline={**finished.pipeline, **broken}))
    assert finding.rule == "shape"


@pytest.mark.parametrize(
    ("platform", "rule"),
    [
        ({"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"Nobody_executor": {}}}}}}, "platform"),
        ({"platforms": {"moon": {}}}, "platform"),
        ({"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"Trainer_executor": {"pvc": 1}}}}}}, "unreadable"),
        ({"platforms": {"kubernetes": 7}}, "unreadable"),
        ({"platforms": {}, "more": 1}, "unreadable"),
    ],
)
def test_the_second_document_is_read_too(finished: Documents, platform: dict[str, Any], rule: str):
    assert [finding.rule for finding in lint(replace(finished, platform=platform))] == [rule]


def places(value: Any, here: Path = ()) -> list[Path]:
    """The way to every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, each in inner for place in places(each, (*here, key)))]


GONE = object()
JUNK = st.sampled_from([GONE, None, 0, -1.5, True, "", "x", [], [1], ["x"], {}, {"x": {}}, {"name": 3}, [[]], [{}]])


@pytest.fixture
def written(raw: Documents, settings_of: Callable[..., KubeflowSettings]) -> list[Any]:
    """Both documents of a finished pipeline."""
    done = finish(raw, settings_of(mounts=[{"claim": "c", "path": "/m"}]))
    return [done.pipeline, done.platform]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_put_into_a_pipeline_lint_ends_with_findings_or_reading_with_a_sentence(
    written: list[Any], data: st.DataObject
):
    documents = copy.deepcopy(written)
    for _ in range(data.draw(st.integers(1, 3))):
        document = documents[data.draw(st.integers(0, 1))]
        ways = [place for place in places(document) if place]
        if not ways:
            continue
        way = data.draw(st.sampled_from(ways))
        owner = document
        for key in way[:-1]:
            owner = owner[key]
        junk = data.draw(JUNK)
        if junk is GONE:
            del owner[way[-1]]
        else:
            owner[way[-1]] = copy.deepcopy(junk)
    try:
        read = parse("\n---\n".join(json.dumps(document) for document in documents))
    except InvalidPlan:
        return
    for finding in lint(read):
        assert "\n" not in str(finding)
