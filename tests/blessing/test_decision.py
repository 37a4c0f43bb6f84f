"""A model is promoted only where everything required is there, about it, and says yes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.blessing import Evidence, Kind, Policy, Subject, decide

MODEL = Subject("sha256:a", "/runs/7/model")
ALL = [
    Evidence(Kind.MODEL_BLESSING, True, uri="/runs/7/model/"),
    Evidence(Kind.INFRA_BLESSING, True, digest="sha256:a"),
    Evidence(Kind.PUSHED_MODEL, True, digest="sha256:a"),
    Evidence(Kind.ROLLOUT, True, digest="sha256:a", uri="/elsewhere"),
]


def test_with_everything_there_it_is_promoted():
    decision = decide(MODEL, ALL, Policy())
    assert decision.promote
    assert decision.reason.endswith("model blessing, infra blessing, pushed model, rollout")


@pytest.mark.parametrize(
    ("piece", "why"),
    [
        (replace(ALL[3], passed=False, reason="errors rose to 3 %"), "the rollout says no: errors rose to 3 %"),
        (replace(ALL[3], passed=None), "the rollout says neither yes nor no"),
        (replace(ALL[3], digest="sha256:b"), "the rollout is about another model (sha256:b), not about sha256:a"),
        (replace(ALL[3], digest=""), "the rollout is about another model (/elsewhere)"),
        (replace(ALL[3], digest="", uri=""), "the rollout does not say which model it is about"),
    ],
)
def test_one_piece_against_it_refuses_with_its_reason(piece: Evidence, why: str):
    decision = decide(MODEL, [*ALL[:3], piece], Policy())
    assert not decision.promote
    assert why in decision.reason
    assert len(decision.reasons) == 1


def test_what_is_required_and_missing_is_named():
    assert decide(MODEL, ALL[:3], Policy()).reasons == ("the rollout is required and was not given",)


def test_what_is_not_required_is_only_written_down():
    decision = decide(MODEL, [*ALL[:3], replace(ALL[3], passed=False)], Policy.of([Kind.PUSHED_MODEL]))
    assert decision.promote
    assert [piece["passed"] for piece in decision.to_json()["evidence"]] == [True, True, True, False]


def test_a_policy_may_accept_evidence_that_names_no_model():
    unbound = replace(ALL[3], digest="", uri="")
    assert decide(MODEL, [*ALL[:3], unbound], Policy(unbound="accept")).promote


evidence = st.builds(
    Evidence,
    kind=st.sampled_from(Kind),
    passed=st.sampled_from([True, False, None]),
    digest=st.sampled_from(["", "sha256:a", "sha256:b"]),
    uri=st.sampled_from(["", "/runs/7/model", "/other"]),
)


@given(st.lists(evidence, max_size=6, unique_by=lambda e: e.kind), st.sets(st.sampled_from(Kind), min_size=1))
def test_no_combination_promotes_without_a_bound_yes_of_every_required_kind(pieces, required):
    decision = decide(MODEL, pieces, Policy.of(required))
    bound_yes = {p.kind for p in pieces if p.passed is True and p.about(MODEL) is True}
    assert decision.promote == (required <= bound_yes)
