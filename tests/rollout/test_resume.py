"""A controller killed at any write is followed by one that comes to the same decisions, bit by bit.

The kill is an exception that nothing handles, raised in place of an fsync: before it a
document is not renamed, and a folder not synced, yet. Every fsync of every tick of whole
rollouts is killed once. The controller that follows knows nothing but the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import contextmanager

import pytest

from tfx_rollout.rollout import RolloutController, list_rollouts, send_order, start_rollout
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import DesiredState


class Killed(BaseException):
    """Like `kill -9`: no `except` of the program under test may catch it."""


@contextmanager
def killed_at(count: int, monkeypatch: pytest.MonkeyPatch):
    """Raise in place of the `count`-th fsync in this block, if it comes to that."""
    real, seen = os.fsync, 0

    def fsync(descriptor: int) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            raise Killed
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


def record(world) -> dict[str, object]:
    """All that counts: state, evidence and windows of every rollout, and what is desired."""
    rollouts = world.base.control / "rollouts"
    found: dict[str, object] = {"desired": world.base.desired().to_json()}
    for state in list_rollouts(world.base):
        found[state.id] = state.to_json()
        windows = rollouts / state.id / "windows.jsonl"
        found[f"{state.id} windows"] = windows.read_text() if windows.exists() else ""
    return json.loads(json.dumps(found))


def drive(world, orders: dict[int, str], killing: Callable[[], object] | None, expected: list | None, ticks: int) -> list:
    """Tick a rollout to its end, and give the record after each tick.

    With `killing` each tick is killed somewhere; a fresh controller then has to reach the
    record that the undisturbed run had after this tick, in one more tick, or to be there already.
    """
    records = []
    rollout = list_rollouts(world.base)[-1].id
    for i in range(ticks):
        if i in orders:
            send_order(world.base, rollout, orders[i], by="ann", why="to see")
        world.base.write_observed(world.serving.settle(world.base.desired()))
        if killing is None:
            world.controller.tick()
        else:
            try:
                with killing():
                    world.controller.tick()
            except Killed:
                world.controller = RolloutController(world.base, world.evidence, world.clock)
                if record(world) != expected[i]:
                    world.controller.tick()
            assert record(world) == expected[i], f"tick {i}"
        records.append(record(world))
        world.clock.advance(1.0)
    return records


@pytest.mark.parametrize(
    ("failures", "orders", "ticks", "outcome", "first"),
    [
        (0.0, {60: "promote"}, 64, "promoted", False),
        (0.4, {}, 25, "rolled_back", False),
        (0.0, {12: "abort"}, 16, "rolled_back", False),
        (0.0, {8: "promote"}, 12, "first_version", True),
    ],
)
def test_a_controller_killed_at_any_write_is_followed_by_one_that_decides_the_same(
    world, plan, monkeypatch, tmp_path, failures, orders, ticks, outcome, first
):
    import shutil

    if not first:
        world.go_live(1)
    start_rollout(world.base, 2, plan(), by="ann", why="a new version")
    shutil.copytree(world.base.store.root, tmp_path / "origin")

    def again(root):
        shutil.copytree(tmp_path / "origin", root)
        new = type(world).at(root, canary=Behaviour(failures=failures), seed=3)
        if not first:
            new.serving.settle(DesiredState.from_json(new.base.desired().to_json()))
            new.clock.advance(1.0)
        return new

    undisturbed = drive(again(tmp_path / "undisturbed"), orders, None, None, ticks)
    final = next(value for key, value in undisturbed[-1].items() if key.endswith("-v2"))
    assert final["outcome"] == outcome

    kills = 0
    for count in range(1, 40):
        killed = again(tmp_path / f"killed-{count}")
        before = killed.controller
        drive(killed, orders, lambda count=count: killed_at(count, monkeypatch), undisturbed, ticks)
        if killed.controller is before:
            break
        kills += 1
    assert kills >= 6, "each tick that decides something writes at least an event, the state and the desired state"
