"""A process that is killed at any step of a change leaves the state before or after it, and the change can be made again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tfx_rollout.control.documents import ConfigurationWanted, ExperimentOrderWanted, ExperimentWanted, OrderWanted, TokenWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import Conflict, NotFound, OrderWaiting, RolloutInProgress
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import list_rollouts, read_rollout

pytestmark = pytest.mark.integration


@pytest.fixture
def fresh(base, scratch: Path):
    """Gives the control of a new copy of the root, as it was at the first call."""
    template, copies = scratch / "template", scratch / "copy"

    def copy() -> LocalControl:
        if not template.exists():
            shutil.copytree(base.store.root, template)
        shutil.rmtree(copies, ignore_errors=True)
        shutil.copytree(template, copies)
        return LocalControl(ModelStore(copies), by="ann")

    return copy


def base_of(scratch: Path) -> BasePath:
    return ModelStore(scratch / "copy").model("taxi")


def assert_valid(control: LocalControl) -> None:
    """Everything can be read."""
    control.models()
    control.history("taxi")
    control.configuration("taxi")
    for rollout in control.rollouts("taxi").rollouts:
        control.rollout_report("taxi", rollout.id)
    for entry in control.audit().entries:
        assert entry.by == "ann"


def kills(fresh, count_steps, kill_before, act):
    """The control of a root in which the act was killed, for each of its steps."""
    act(fresh())  # what is imported then is imported for all
    whole = fresh()
    steps = count_steps(lambda: act(whole))
    assert steps > 20
    for step in range(1, steps + 1):
        control = fresh()
        kill_before(step, lambda control=control: act(control))
        assert_valid(control)
        yield control


def test_a_change_of_the_configuration(scratch, fresh, count_steps, kill_before):
    def act(control: LocalControl) -> None:
        control.configure("taxi", ConfigurationWanted(pinned=[2], aliases={"eu": 3}, why="a test"))

    found = set()
    for control in kills(fresh, count_steps, kill_before, act):
        now = base_of(scratch).desired()
        found.add(now.generation)
        assert (now.versions, now.pinned, dict(now.aliases)) == (
            ((1,), (), {}) if now.generation == 1 else ((1, 2, 3), (2,), {"eu": 3})
        )
        change = control.configure("taxi", ConfigurationWanted(pinned=[2], aliases={"eu": 3}, why="again"))
        assert (change.changed, change.configuration.generation) == (now.generation == 1, 2)
        assert [event["generation"] for event in control.history("taxi").events] == [2, 1]
    assert found == {1, 2}


def test_the_start_of_a_rollout(scratch, fresh, wanted, count_steps, kill_before):
    def act(control: LocalControl) -> None:
        control.start_rollout("taxi", wanted(2))

    found = set()
    for control in kills(fresh, count_steps, kill_before, act):
        rollouts = list_rollouts(base_of(scratch))
        found.add(len(rollouts))
        if rollouts:
            with pytest.raises(RolloutInProgress):
                act(control)
        else:
            act(control)
        assert len(list_rollouts(base_of(scratch))) == 1
    assert found == {0, 1}


def test_an_order(scratch, fresh, control, wanted, count_steps, kill_before):
    rollout = control.start_rollout("taxi", wanted(2)).id

    def act(control: LocalControl) -> None:
        control.order("taxi", rollout, OrderWanted(kind="abort"))

    found = set()
    for killed in kills(fresh, count_steps, kill_before, act):
        orders = read_rollout(base_of(scratch), rollout).orders
        found.add(len(orders))
        if orders:
            with pytest.raises(OrderWaiting):
                act(killed)
        else:
            act(killed)
        assert [(o.number, o.kind) for o in read_rollout(base_of(scratch), rollout).orders] == [(1, "abort")]
    assert found == {0, 1}


def test_a_version_removed_for_good(scratch, fresh, count_steps, kill_before):
    def act(control: LocalControl) -> None:
        control.retire("taxi", 2, why="old")

    found = set()
    for control in kills(fresh, count_steps, kill_before, act):
        versions = base_of(scratch).versions()
        found.add(tuple(versions))
        if 2 in versions:
            act(control)
        else:
            with pytest.raises(NotFound):
                act(control)
        assert base_of(scratch).versions() == [1, 3]
    assert found == {(1, 2, 3), (1, 3)}


def test_a_token_made_and_revoked(scratch, fresh, count_steps, kill_before):
    def act(control: LocalControl) -> None:
        control.create_token(TokenWanted(name="grafana", role="read"))

    found = set()
    for control in kills(fresh, count_steps, kill_before, act):
        names = [token.name for token in control.tokens().tokens]
        found.add(tuple(names))
        if names:
            with pytest.raises(Conflict):
                act(control)
        else:
            act(control)
        control.revoke_token("grafana")
        assert control.tokens().tokens == []
    assert found == {(), ("grafana",)}


def test_the_start_of_an_experiment_and_an_order(scratch, fresh, count_steps, kill_before):
    plan = {
        "name": "ranking",
        "header": "x-user-id",
        "variants": [{"version": 2, "share": 0.3}],
        "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
        "max_days": 1,
    }

    def start_and_stop(control: LocalControl) -> None:
        started = control.start_experiment("taxi", ExperimentWanted(plan=plan))
        control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="stop"))

    found = set()
    for control in kills(fresh, count_steps, kill_before, start_and_stop):
        tests = control.experiments("taxi").experiments
        found.add((len(tests), *(test.possible_orders == [] for test in tests)))
        if not tests:
            start_and_stop(control)
        elif tests[0].possible_orders:
            control.order_experiment("taxi", tests[0].id, ExperimentOrderWanted(kind="stop"))
        (test,) = control.experiments("taxi").experiments
        control.experiment_report("taxi", test.id)
        with pytest.raises(OrderWaiting):
            control.order_experiment("taxi", test.id, ExperimentOrderWanted(kind="stop"))
    assert found == {(0,), (1, False), (1, True)}
