"""Changes of the desired state: by generation, told before they are made, beside a rollout without traffic, recorded."""

from __future__ import annotations

import os

import pytest

from tfx_rollout.control.documents import ConfigurationWanted, OrderWanted
from tfx_rollout.errors import Conflict, CorruptState, InvalidState, NotFound, RolloutInProgress, StaleGeneration
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence


def test_a_version_is_loaded_and_unloaded_by_generation(control, base):
    change = control.load("taxi", 2, why="to warm it", expected=1)
    assert (change.changed, change.dry_run, change.configuration.generation) == (True, False, 2)
    assert base.desired().versions == (1, 2)
    assert (base.desired().cause.by, base.desired().cause.why) == ("ann", "to warm it")
    with pytest.raises(StaleGeneration, match="at generation 2, not 1"):
        control.unload("taxi", 2, why="enough", expected=1)
    assert control.unload("taxi", 2, why="enough", expected=2).configuration.desired["versions"] == [1]


def test_what_is_so_already_is_no_change_and_makes_no_generation(control, base):
    control.pin("taxi", 2, why="a reference")
    again = control.pin("taxi", 2, why="a reference, again")
    assert (again.changed, again.configuration.generation, base.desired().generation) == (False, 2, 2)
    assert base.desired().cause.why == "a reference"
    assert not control.configure("taxi", ConfigurationWanted()).changed


def test_a_dry_run_tells_the_change_and_writes_nothing(control, base):
    before = base.desired()
    change = control.configure("taxi", ConfigurationWanted(pinned=[2], aliases={"eu": 3}), dry_run=True)
    assert (change.dry_run, change.changed) == (True, True)
    assert change.configuration.desired["versions"] == [1, 2, 3]
    assert change.configuration.generation == 2
    assert base.desired() == before
    assert control.audit().total == 0
    assert not control.configure("taxi", ConfigurationWanted(pinned=[]), dry_run=True).changed
    with pytest.raises(StaleGeneration):
        control.load("taxi", 2, why="x", expected=7, dry_run=True)


def test_a_dry_run_tells_the_steps_that_the_supervisor_will_take(control, base, supervised):
    with supervised(base):
        while not control.model("taxi").settled:
            continue
        change = control.set_alias("taxi", "eu", 2, why="for Europe", dry_run=True)
        assert [step.kind for step in change.steps] == ["configure", "await", "configure", "await"]
        assert (change.steps[0].server, change.steps[0].versions) == ("taxi", [1, 2])
        assert change.steps[2].labels == {"stable": 1, "eu": 2}
        assert {difference.what for difference in change.configuration.differences} == {"generation", "version", "alias"}
        made = control.set_alias("taxi", "eu", 2, why="for Europe")
        assert made.configuration.desired["aliases"] == {"eu": 2}
        while not control.model("taxi").settled:
            continue
        assert control.configuration("taxi").differences == []
        assert control.set_alias("taxi", "eu", 2, why="for Europe", dry_run=True).steps == []


def test_what_is_not_in_force_is_told_with_the_reason(control):
    differences = control.configuration("taxi").differences
    assert "server" in {difference.what for difference in differences}
    assert all("No supervisor serves this root" in d.why for d in differences if d.what in ("generation", "server"))
    (start, *_, last) = control.load("taxi", 2, why="to see", dry_run=True).steps
    assert (start.kind, start.versions, last.kind, last.shares) == ("start_server", [1, 2], "set_traffic", {"stable": 1.0})


def test_a_configuration_is_changed_as_a_whole_and_what_is_left_out_stays(control, base):
    control.configure("taxi", ConfigurationWanted(versions=[3], pinned=[2], aliases={"eu": 2}, topology="shared"))
    now = base.desired()
    assert (now.versions, now.pinned, now.aliases, now.topology) == ((1, 2, 3), (2,), {"eu": 2}, "shared")
    control.configure("taxi", ConfigurationWanted(pinned=[], aliases={}))
    assert (base.desired().versions, base.desired().topology) == ((1, 3), "shared")
    control.configure("taxi", ConfigurationWanted(versions=[]))
    assert base.desired().versions == (1,)


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_does_not_exist_is_not_found_and_nothing_is_changed(control, base, dry_run):
    before = base.desired()
    for act in (
        lambda: control.load("taxi", 9, why="x", dry_run=dry_run),
        lambda: control.pin("taxi", 9, why="x", dry_run=dry_run),
        lambda: control.unload("taxi", 9, why="x", dry_run=dry_run),
        lambda: control.unpin("taxi", 9, why="x", dry_run=dry_run),
        lambda: control.set_alias("taxi", "eu", 9, why="x", dry_run=dry_run),
        lambda: control.configure("taxi", ConfigurationWanted(versions=[9]), dry_run=dry_run),
    ):
        with pytest.raises(NotFound, match="There is no version 9 in model 'taxi'; known: 1, 2, 3"):
            act()
    with pytest.raises(NotFound, match="There is no alias eu"):
        control.remove_alias("taxi", "eu", why="x", dry_run=dry_run)
    with pytest.raises(NotFound, match="There is no model other in the root"):
        control.load("other", 1, why="x", dry_run=dry_run)
    with pytest.raises(InvalidState):
        control.set_alias("taxi", "stable", 2, why="x", dry_run=dry_run)
    assert base.desired() == before


def test_aliases_are_set_moved_and_removed(control, base):
    control.set_alias("taxi", "eu", 2, why="for Europe")
    control.set_alias("taxi", "eu", 3, why="the newer one")
    assert (base.desired().aliases, base.desired().versions) == ({"eu": 3}, (1, 3))
    assert control.version("taxi", 3).aliases == ["eu"]
    control.remove_alias("taxi", "eu", why="no more Europe")
    assert (base.desired().aliases, base.desired().versions) == ({}, (1,))


def test_no_traffic_is_moved_beside_a_rollout_which_goes_on(control, base, wanted, supervised):
    started = control.start_rollout("taxi", wanted(2))
    before = base.desired()
    for dry_run in (False, True):
        for act in (
            lambda dry_run=dry_run: control.configure("taxi", ConfigurationWanted(topology="shared"), dry_run=dry_run),
            lambda dry_run=dry_run: control.configure(
                "taxi", ConfigurationWanted(pinned=[3], topology="shared"), dry_run=dry_run
            ),
            lambda dry_run=dry_run: control.roll_back("taxi", why="x", dry_run=dry_run),
        ):
            with pytest.raises(RolloutInProgress, match=started.id):
                act()
    assert base.desired() == before
    control.order("taxi", started.id, OrderWanted(kind="abort"))
    with supervised(base):
        *_, last = control.follow_rollout("taxi", started.id)
    assert last["outcome"] == "rolled_back"
    assert control.configure("taxi", ConfigurationWanted(topology="shared", why="now")).changed


def test_the_version_before_comes_back_and_can_be_taken_back(control, base, wanted, supervised):
    with pytest.raises(Conflict, match="no previous version"):
        control.roll_back("taxi", why="complaints")
    with supervised(base):
        started = control.start_rollout("taxi", wanted(2, promotion="automatic"))
        list(control.follow_rollout("taxi", started.id))
    assert control.roll_back("taxi", why="complaints", dry_run=True).configuration.desired["labels"]["stable"] == 1
    assert base.desired().stable == 2
    assert control.roll_back("taxi", why="complaints").configuration.desired["labels"] == {"previous": 2, "stable": 1}


def test_the_history_is_told_newest_first_and_in_pages(control):
    for version in (2, 3):
        control.load("taxi", version, why=f"version {version}")
    history = control.history("taxi")
    assert history.total == 3
    assert [event["generation"] for event in history.events] == [3, 2, 1]
    page = control.history("taxi", limit=1, offset=1)
    assert (page.total, [event["cause"]["why"] for event in page.events]) == (3, ["version 2"])


def test_every_change_is_recorded_with_who_and_what_came_of_it(control, asked_by):
    control.load("taxi", 2, why="to warm it")
    with pytest.raises(NotFound):
        asked_by("ben").pin("taxi", 9, why="a typo")
    with pytest.raises(StaleGeneration):
        asked_by("eve").unload("taxi", 2, why="mine", expected=1)
    trail = control.audit()
    assert [(entry.by, entry.action, entry.model, entry.status) for entry in trail.entries] == [
        ("eve", "unload version 2", "taxi", 409),
        ("ben", "pin version 9", "taxi", 404),
        ("ann", "load version 2", "taxi", 200),
    ]
    assert trail.entries[2].facts == {"why": "to warm it"}
    assert trail.entries[2].detail == "generation 2"
    assert "There is no version 9" in trail.entries[1].detail


def test_a_change_of_what_is_not_there_is_recorded_too(control, asked_by):
    with pytest.raises(NotFound):
        asked_by("ben").pin("bus", 1, why="a typo")
    (entry,) = control.audit().entries
    assert (entry.by, entry.action, entry.model, entry.status) == ("ben", "pin version 1", "bus", 404)


def test_what_was_done_is_recorded_as_done_though_it_cannot_be_told(control, base):
    root = base.store.root
    with presence(root):
        announce(root, SupervisorInfo(os.getpid(), "127.0.0.1:8500", "127.0.0.1:9901", 0.0))
        (base.control / "observed.json").write_text("{")
        with pytest.raises(CorruptState):
            control.pin("taxi", 2, why="a reference")
    assert base.desired().pinned == (2,)
    (entry,) = control.audit().entries
    assert (entry.status, entry.detail) == (200, "generation 2")
