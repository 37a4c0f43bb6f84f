"""A policy is JSON; what is wrong with it is told at once."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.blessing import Kind, Policy, load_policy
from tfx_rollout.errors import InvalidPlan


def test_nothing_means_that_everything_is_required():
    assert load_policy(None) == load_policy("") == load_policy({}) == Policy()


def test_json_survives_the_way_there_and_back():
    policy = Policy.of(kind for kind in (Kind.ROLLOUT, Kind.MODEL_BLESSING))
    assert policy.required == (Kind.MODEL_BLESSING, Kind.ROLLOUT)
    assert load_policy(json.dumps(policy.to_json())) == policy


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"required": ["rollouts"], "require": []}, ["required.0", "require:"]),
        ({"required": []}, ["required"]),
        ("nonsense", ["no JSON"]),
    ],
)
def test_all_faults_are_named(document, words):
    with pytest.raises(InvalidPlan) as fault:
        load_policy(document)
    assert all(word in str(fault.value) for word in words)
