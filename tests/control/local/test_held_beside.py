"""Versions are loaded, pinned and named while a rollout or an A/B test runs, which goes on to its end as if nothing had been."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import pytest

from tfx_rollout.control.documents import ConfigurationWanted, ExperimentWanted, OrderWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import Conflict, RolloutInProgress
from tfx_rollout.testing import Behaviour, Habit, ServedRoot
from tfx_rollout.traffic import Label, Track

TEST = {
    "name": "ranking",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.4}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 10},
    "window_seconds": 5,
    "waiting_seconds": 1,
    "min_units": 20,
    "max_days": 1,
    "on_decision": "promote",
}


@pytest.fixture
def fourth(base, publish) -> int:
    """A version that neither rollout nor test is about."""
    return publish(base, "four")


def kept_busy(control: LocalControl, ended: Callable[[], bool], *, pinned: int) -> int:
    """Changes what is held on and on until then, and pins this version last; how often something was changed."""
    acts: Iterator[Callable[[], Any]] = cycle(
        [
            lambda: control.pin("taxi", pinned, why="to compare"),
            lambda: control.set_alias("taxi", "champion", 1, why="the one we trust"),
            lambda: control.load("taxi", 3, why="to warm it"),
            lambda: control.set_alias("taxi", "champion", 2, why="the new one"),
            lambda: control.unpin("taxi", pinned, why="enough"),
            lambda: control.configure("taxi", ConfigurationWanted(versions=[], aliases={}, why="tidy")),
        ]
    )
    made, deadline = 0, time.monotonic() + 30
    while not ended():
        assert time.monotonic() < deadline
        made += next(acts)().changed
    return made + control.pin("taxi", pinned, why="to keep").changed


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def loaded(control: LocalControl) -> set[int]:
    """The versions that a server holds."""
    versions = control.versions("taxi").versions
    return {version.version for version in versions if any(server.state != "END" for server in version.servers)}


def noted(control: LocalControl, rollout: str) -> list[str]:
    return [event["reason"] for event in control.rollout_report("taxi", rollout)["events"] if event["event"] == "held"]


@pytest.mark.parametrize(("failures", "outcome", "live"), [(0.0, "promoted", 2), (0.4, "rolled_back", 1)])
def test_a_rollout_beside_which_people_change_what_is_held_all_the_time_comes_to_its_proper_end(
    control, base, wanted, fourth, failures, outcome, live
):
    with ServedRoot(base, Behaviour(failures=failures), pause=0.01):
        started = control.start_rollout("taxi", wanted(2, promotion="automatic"))
        made = kept_busy(control, lambda: control.rollout("taxi", started.id).finished, pinned=fourth)
    found = control.rollout("taxi", started.id)
    assert (found.outcome, base.desired().stable) == (outcome, live)
    assert made > 5
    assert "ann has changed what is held beside the rollout" in " ".join(noted(control, started.id))
    assert (base.desired().pinned, fourth in base.desired().versions) == ((fourth,), True)


def test_an_a_b_test_beside_which_people_change_what_is_held_all_the_time_comes_to_its_proper_end(control, base, fourth):
    habits = {Track.STABLE: Habit(yes=0.1), Track.VARIANT_B: Habit(yes=0.6)}
    with ServedRoot(base, habits=habits, pause=0.01):
        started = control.start_experiment("taxi", ExperimentWanted(plan=TEST, why="does it sell more?"))
        made = kept_busy(control, lambda: control.experiment("taxi", started.id).finished, pinned=fourth)
    found = control.experiment("taxi", started.id)
    assert (found.outcome, base.desired().stable, base.desired().variants) == ("winner", 2, {})
    assert made > 5
    assert (base.desired().pinned, fourth in base.desired().versions) == ((fourth,), True)


def test_what_a_pin_would_do_beside_a_rollout_is_told_before_and_done_at_once(control, base, wanted, fourth):
    with ServedRoot(base):
        started = control.start_rollout("taxi", wanted(2))
        until(lambda: control.rollout("taxi", started.id).phase == "holding")
        told = control.pin("taxi", fourth, why="to compare", dry_run=True)
        assert [(step.kind, step.server, step.versions) for step in told.steps[:1]] == [("configure", "taxi", [1, fourth])]
        control.pin("taxi", fourth, why="to compare")
        until(lambda: fourth in loaded(control))
        control.order("taxi", started.id, OrderWanted(kind="promote", why="fine"))
        *_, last = control.follow_rollout("taxi", started.id)
    assert last["outcome"] == "promoted"
    assert (base.desired().versions, base.desired().pinned) == ((1, 2, fourth), (fourth,))


def test_what_a_rollout_needs_is_neither_unloaded_nor_retired_and_the_refusal_names_it(control, base, wanted, fourth):
    control.load("taxi", 3, why="to warm it")
    with ServedRoot(base):
        started = control.start_rollout("taxi", wanted(2))
        until(lambda: control.rollout("taxi", started.id).phase == "holding")
        with pytest.raises(Conflict, match=f"needed by label canary, rollout {started.id} and stays loaded"):
            control.unload("taxi", 2, why="tidy")
        with pytest.raises(Conflict, match=f"needed by label stable, rollout {started.id} and stays loaded"):
            control.unload("taxi", 1, why="tidy")
        for version in (1, 2, 3):
            with pytest.raises(Conflict, match=f"Version {version} .* is needed by rollout {started.id}, which has not ended"):
                control.retire("taxi", version, why="old")
        with pytest.raises(RolloutInProgress):
            control.configure("taxi", ConfigurationWanted(pinned=[fourth], topology="shared"))
        assert control.unload("taxi", 3, why="tidy").changed
        until(lambda: noted(control, started.id) and 3 not in loaded(control))
        control.retire("taxi", 3, why="old")
        control.order("taxi", started.id, OrderWanted(kind="abort", why="enough"))
        *_, last = control.follow_rollout("taxi", started.id)
    assert last["outcome"] == "rolled_back"
    assert (base.desired().versions, base.desired().labels) == ((1,), {Label.STABLE: 1})
