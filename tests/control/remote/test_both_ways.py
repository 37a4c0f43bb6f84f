"""The same questions on the files of a root and over HTTP: the same documents, the same errors with the same sentences."""

from __future__ import annotations

import pytest

from tfx_rollout.control.documents import (
    ConfigurationWanted,
    ExperimentOrderWanted,
    ExperimentWanted,
    OrderWanted,
    Role,
    RolloutWanted,
    TokenWanted,
)
from tfx_rollout.control.remote import RemoteControl
from tfx_rollout.errors import (
    ApiRefused,
    Conflict,
    InvalidInput,
    InvalidPlan,
    InvalidState,
    NotFound,
    OrderWaiting,
    RolloutInProgress,
    StaleGeneration,
    StaleRevision,
)

WHY = "a test"
AB = {
    "name": "ranking",
    "header": "x-user",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
}


def test_what_is_read_is_the_same_document(both):
    for question in (
        lambda c: c.whoami(),
        lambda c: c.readiness(),
        lambda c: c.models(),
        lambda c: c.model("taxi"),
        lambda c: c.versions("taxi"),
        lambda c: c.version("taxi", 2),
        lambda c: c.configuration("taxi"),
        lambda c: c.history("taxi"),
        lambda c: c.history("taxi", limit=1, offset=1),
        lambda c: c.plans(),
        lambda c: c.plan("demo"),
        lambda c: c.rollouts("taxi"),
        lambda c: c.experiments("taxi"),
        lambda c: c.tokens(),
        lambda c: c.traffic("taxi", since=1000, until=2000, step=100).series,
    ):
        answer = both(question)
        assert not isinstance(answer, Exception), answer


CANNOT_BE = [
    (lambda c: c.model("cab"), NotFound),
    (lambda c: c.version("taxi", 9), NotFound),
    (lambda c: c.plan("nope"), NotFound),
    (lambda c: c.rollout("taxi", "20200101T000000-v1"), NotFound),
    (lambda c: c.rollout_report("taxi", "20200101T000000-v1"), NotFound),
    (lambda c: c.experiment("taxi", "20200101T000000-x"), NotFound),
    (lambda c: c.revoke_token("nobody"), NotFound),
    (lambda c: c.check_plan({"stages": [{"share": 7}], "alpha": 2}), InvalidPlan),
    (lambda c: c.check_experiment({"header": "x-user"}), InvalidPlan),
    (lambda c: c.set_alias("taxi", "canary", 1, why=WHY), InvalidState),
    (lambda c: c.remove_alias("taxi", "holiday", why=WHY), NotFound),
    (lambda c: c.pin("taxi", 9, why=WHY), NotFound),
    (lambda c: c.unload("taxi", 1, why=WHY), Conflict),
    (lambda c: c.retire("taxi", 1, why=WHY), Conflict),
    (lambda c: c.load("taxi", 2, why=WHY, expected=7), StaleGeneration),
    (lambda c: c.configure("taxi", ConfigurationWanted(pinned=[2]), expected=7), StaleGeneration),
    (lambda c: c.roll_back("taxi", why=WHY), Conflict),
    (lambda c: c.start_rollout("taxi", RolloutWanted(version=1)), Conflict),
    (lambda c: c.start_rollout("taxi", RolloutWanted(version=9)), NotFound),
    (lambda c: c.start_rollout("taxi", RolloutWanted(plan={"stages": []})), InvalidPlan),
    (lambda c: c.give_feedback("taxi", ['{"request_id": "a"}', "nonsense"]), InvalidInput),
    (lambda c: c.traffic("taxi", since=2000, until=1000), InvalidInput),
]


def test_what_cannot_be_is_the_same_error_with_the_same_sentence(both):
    for number, (question, kind) in enumerate(CANNOT_BE):
        answer = both(question)
        assert type(answer) is kind, (number, answer)


def test_a_conflict_over_http_has_what_is_there_now(remote):
    with pytest.raises(StaleGeneration) as refused:
        remote.configure("taxi", ConfigurationWanted(pinned=[2]), expected=7)
    assert refused.value.current["generation"] == 1


def test_versions_are_held_named_and_removed(control, base):
    told = control.pin("taxi", 2, why=WHY, dry_run=True)
    assert (told.dry_run, told.changed, base.desired().generation) == (True, True, 1)
    assert control.pin("taxi", 2, why=WHY).configuration.generation == 2
    assert not control.pin("taxi", 2, why=WHY).changed
    control.set_alias("taxi", "holiday", 3, why=WHY, expected=2)
    control.load("taxi", 3, why=WHY)
    named = {v.version: (v.held, v.pinned, v.aliases) for v in control.versions("taxi").versions}
    assert named == {1: (True, False, []), 2: (True, True, []), 3: (True, False, ["holiday"])}
    control.remove_alias("taxi", "holiday", why=WHY)
    control.unpin("taxi", 2, why=WHY)
    assert control.configure("taxi", ConfigurationWanted(topology="shared", why=WHY)).changed
    assert base.desired().topology == "shared"
    assert base.desired().cause.by == "local"
    assert control.retire("taxi", 3, why=WHY).version == 3
    assert base.versions() == [1, 2]


@pytest.mark.parametrize("name", ["a/b", "../taxi", "..", ""])
def test_a_name_that_would_change_the_address_is_asked_of_nobody(remote, name):
    with pytest.raises(InvalidInput, match="is not the name of anything here"):
        remote.model(name)


def test_a_rollout_is_started_ordered_once_at_a_time_and_followed_to_its_report(control, base, supervised, plan):
    started = control.start_rollout("taxi", RolloutWanted(plan=plan, why=WHY))
    assert (started.version, started.by, started.why) == (3, "local", WHY)
    with pytest.raises(RolloutInProgress):
        control.start_rollout("taxi", RolloutWanted(version=2))
    with supervised(base, failures=0.3):
        lines = list(control.follow_rollout("taxi", started.id))
    kinds = [line["type"] for line in lines]
    assert {*kinds} == {"event", "verdict", "state", "report"}
    assert kinds[-1] == "report"
    assert lines[-1]["outcome"] == "rolled_back"
    assert [line["number"] for line in lines if line["type"] == "event"] == list(range(1, lines[-1]["events"][-1]["number"] + 1))
    assert control.rollout("taxi", started.id).outcome == "rolled_back"
    assert control.rollout_report("taxi", started.id) == {name: value for name, value in lines[-1].items() if name != "type"}


def test_of_two_orders_one_counts_and_a_revision_that_is_past_is_refused(control, base, plan):
    started = control.start_rollout("taxi", RolloutWanted(plan=plan))
    with pytest.raises(StaleRevision):
        control.order("taxi", started.id, OrderWanted(kind="abort"), expected="long ago")
    assert control.order("taxi", started.id, OrderWanted(kind="abort", why=WHY), expected=started.revision).why == WHY
    with pytest.raises(OrderWaiting):
        control.order("taxi", started.id, OrderWanted(kind="abort"))


def test_an_ab_test_is_checked_started_and_stopped(control):
    assert control.check_experiment(AB).document["header"] == "x-user"
    started = control.start_experiment("taxi", ExperimentWanted(plan=AB, why=WHY))
    assert (started.name, started.metric, started.why) == ("ranking", "conversion", WHY)
    assert control.experiment_report("taxi", started.id)["experiment"] == started.id
    assert control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="stop")).id == started.id
    assert [test.id for test in control.experiments("taxi").experiments] == [started.id]


def test_an_ab_test_is_followed_to_its_report(control, base, carry_out_experiments):
    started = control.start_experiment("taxi", ExperimentWanted(plan=AB, why=WHY))
    following = control.follow_experiment("taxi", started.id)
    first = next(following)
    assert (first["type"], first["id"], first["finished"]) == ("state", started.id, False)
    control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="stop", why="enough"))
    carry_out_experiments(base)
    lines = list(following)
    assert [line["type"] for line in lines if line["type"] != "state"] == ["event", "report"]
    assert lines[-2]["outcome"] == lines[-1]["outcome"] == "stopped"
    assert control.experiment_report("taxi", started.id) == {name: value for name, value in lines[-1].items() if name != "type"}


def test_feedback_is_taken_in_all_or_none(control):
    rows = [{"request_id": "a", "correct": True}, '{"request_id": "b", "correct": false}\n']
    assert (control.give_feedback("taxi", rows).new, control.give_feedback("taxi", iter(rows)).known) == (2, 2)


def test_every_change_is_recorded_with_who_asked(control):
    control.pin("taxi", 2, why=WHY)
    (entry,) = control.audit().entries
    assert (entry.by, entry.role, entry.model, entry.status, entry.facts["why"]) == ("local", "admin", "taxi", 200, WHY)


def test_a_token_lets_in_as_far_as_its_role_goes(control, base, serve_api):
    made = control.create_token(TokenWanted(name="ann", role=Role.READ))
    reader = RemoteControl(serve_api(base.store.root), token=made.secret)
    assert (reader.whoami().name, reader.whoami().role) == ("ann", Role.READ)
    with pytest.raises(ApiRefused, match="needs the role operate, and ann has the role read"):
        reader.pin("taxi", 2, why=WHY)
    with pytest.raises(ApiRefused, match="needs the role admin"):
        reader.tokens()
