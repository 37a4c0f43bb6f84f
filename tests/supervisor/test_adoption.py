"""A gateway that outlived its supervisor, taken over: same process, same configuration, same access log."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from tfx_rollout.gateway import Gateway, GatewaySettings
from tfx_rollout.gateway.access_log_folder import log_parts
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor.adoption import end_left_over, gateway_for
from tfx_rollout.supervisor.gateway_config import ModelTraffic, gateway_config
from tfx_rollout.supervisor.process_folder import ProcessFolder
from tfx_rollout.supervisor.traffic_link import TrafficLink
from tfx_rollout.supervisor.traffic_record import TrafficRecord, read_record, write_record
from tfx_rollout.traffic import Label, Route, Split, Track

pytestmark = pytest.mark.integration

ROUTES = {Track.STABLE: Route("m", Label.STABLE), Track.CANARY: Route("m~canary", Label.CANARY)}


class Life:
    """What one supervisor after another has of the gateway in a folder. An earlier one is left as a kill leaves it."""

    def __init__(self, root: Path) -> None:
        self.directory, self.folder = root / "gateway", ProcessFolder(root / "processes")
        self.settings = GatewaySettings(port=free_port(), admin_port=free_port(), access_log=self.directory / "access")

    def begin(self, **settings) -> tuple[Gateway, bool, TrafficLink]:
        self.directory.mkdir(parents=True, exist_ok=True)
        found = self.folder.recover().get("gateway")
        wanted = replace(self.settings, **settings)
        gateway, adopted = gateway_for(self.directory, wanted, found, self.folder, grace_s=1)
        link = TrafficLink(gateway)
        if adopted:
            link.recover()
        return gateway, adopted, link

    def end(self) -> None:
        end_left_over(self.directory, self.folder, self.folder.recover(), grace_s=0)


@pytest.fixture
def life(tmp_path):
    life = Life(tmp_path)
    yield life
    life.end()


def set_traffic(link: TrafficLink, canary: int) -> None:
    link.locate("m", (1001, 1002))
    link.locate("m~canary", (1003, 1004))
    link.route("m", Split(canary), ROUTES)
    link.sync()


def test_the_next_supervisor_goes_on_with_the_same_gateway_and_knows_since_when_what_is_in_force(life):
    first, _, before = life.begin()
    set_traffic(before, 2500)
    revision, parts = first.in_force(), log_parts(life.settings.access_log)

    second, adopted, after = life.begin()
    assert (adopted, second.pid) == (True, first.pid)
    known, anew = before.in_force("m"), after.in_force("m")
    assert (anew.split, anew.routes, anew.since) == (known.split, known.routes, known.since)
    # Requests begun before the death may still be under way.
    assert after.in_force_for("m") < 5
    after.sync()
    assert (second.in_force(), log_parts(life.settings.access_log)) == (revision, parts)
    assert after.confirmed
    assert after.in_force("m").since == known.since
    # It obeys, and clusters out of use linger as ever.
    set_traffic(after, 5000)
    assert after.in_force("m").split == Split(5000)
    assert second.rotate_access_log(over_bytes=1)
    second.stop(1)
    assert life.folder.recover() == {}


@pytest.mark.parametrize("arrived", [False, True])
def test_after_a_death_while_the_gateway_was_told_it_says_itself_what_is_in_force(life, arrived):
    gateway, _, before = life.begin()
    set_traffic(before, 2500)
    told = read_record(gateway.directory / "traffic.json").in_force
    offered = replace(told, traffic={"m": ModelTraffic(Split(5000), ROUTES)}, since={"m": 1234.5})
    write_record(gateway.directory / "traffic.json", TrafficRecord(told, offered))
    if arrived:
        gateway.apply(gateway_config(offered.traffic, offered.addresses))

    _, _, after = life.begin()
    expected = (Split(5000), 1234.5) if arrived else (Split(2500), told.since["m"])
    assert (after.in_force("m").split, after.in_force("m").since) == expected


def test_a_record_of_other_traffic_is_not_believed(life, caplog):
    gateway, _, before = life.begin()
    set_traffic(before, 2500)
    told = read_record(gateway.directory / "traffic.json").in_force
    other = replace(told, traffic={"m": ModelTraffic(Split(1), ROUTES)})
    write_record(gateway.directory / "traffic.json", TrafficRecord(other))
    again, adopted, after = life.begin()
    assert (adopted, after.in_force("m")) == (True, None)
    assert "what the gateway has in force is not what" in caplog.text
    # Nothing is taken away from clients before it is known what should be.
    revision = again.in_force()
    after.sync()
    assert again.in_force() == revision


def test_a_gateway_with_other_settings_is_replaced_and_that_is_said(life, caplog):
    caplog.set_level(logging.INFO)
    first, _, before = life.begin()
    set_traffic(before, 2500)
    former = first.pid
    second, adopted, after = life.begin(port=free_port())
    assert (adopted, after.in_force("m")) == (False, None)
    assert second.pid != former
    assert not first.alive()
    assert "has other settings than are asked for and is replaced" in caplog.text


def test_a_gateway_that_died_alone_is_started_again(life, caplog):
    first, _, _ = life.begin()
    first._process.kill()
    first._process.wait()
    second, adopted, _ = life.begin()
    assert not adopted
    assert second.alive()
    assert "the gateway died while no supervisor ran" in caplog.text
