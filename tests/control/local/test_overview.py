"""A root at a glance."""

from __future__ import annotations

import pytest

from tfx_rollout.control.documents import Role
from tfx_rollout.control.interface import Control
from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import CorruptState, InvalidInput, NotFound
from tfx_rollout.model_store import ModelStore


def test_a_model_that_nobody_serves_has_no_share_in_force(control):
    models = control.models()
    assert models.supervisor is None
    (taxi,) = models.models
    assert taxi == control.model("taxi")
    assert (taxi.labels, taxi.shares, taxi.desired_shares) == ({"stable": 1}, {}, {"stable": 1.0})
    assert (taxi.generation, taxi.observed_generation, taxi.settled) == (1, 0, False)
    assert not control.readiness().ready


def test_a_model_that_is_served_tells_what_the_gateway_confirmed(control, base, supervised):
    with supervised(base):
        while not control.model("taxi").settled:
            continue
        taxi = control.model("taxi")
        assert (taxi.shares, taxi.observed_generation, taxi.differences) == ({"stable": 1.0}, 1, [])
        supervisor = control.models().supervisor
        assert supervisor is not None
        assert supervisor.gateway_address == "127.0.0.1:8500"
        assert control.readiness().ready
    assert control.models().supervisor is None


def test_an_empty_root_has_no_models_and_a_name_that_cannot_be_one_is_refused(tmp_path):
    control = LocalControl(ModelStore(tmp_path / "nothing"), by="ann")
    assert control.models().models == []
    assert control.readiness().reasons == [f"no supervisor serves {tmp_path / 'nothing'}"]
    with pytest.raises(NotFound):
        control.model("taxi")
    for name in (".access", "models", "../taxi", ""):
        with pytest.raises(InvalidInput):
            control.model(name)
    assert not (tmp_path / "nothing").exists()


def test_the_folder_of_tokens_and_audit_is_no_model(control):
    control.load("taxi", 2, why="a change, which is recorded")
    assert [model.model for model in control.models().models] == ["taxi"]


def test_files_that_cannot_be_used_make_it_not_ready_and_the_reason_names_the_file(control, base):
    (base.control / "desired.json").write_text("{")
    with pytest.raises(CorruptState):
        control.model("taxi")
    assert any("desired.json" in reason for reason in control.readiness().reasons)


def test_what_is_wrong_with_one_model_hides_no_other(control, base):
    control.models()
    other = base.store.model("bus")
    other.create()
    (other.control / "desired.json").write_text("{")
    bus, taxi = control.models().models
    assert (bus.model, bus.settled, bus.versions) == ("bus", False, [])
    assert bus.fault is not None
    assert "desired.json cannot be used" in bus.fault
    assert taxi == control.model("taxi")


def test_who_asks_is_who_is_told(control):
    other = control.acting_as("ben", Role.READ)
    assert (control.whoami().name, control.whoami().role) == ("ann", Role.ADMIN)
    assert (other.whoami().name, other.whoami().role) == ("ben", Role.READ)
    other.load("taxi", 2, why="to see")
    assert control.audit().entries[0].by == "ben"
    assert control.model("taxi").by == "ben"


def test_the_local_control_is_a_control(control):
    as_interface: Control = control
    missing = [name for name in vars(Control) if not name.startswith("_") and not callable(getattr(as_interface, name, None))]
    assert missing == []
