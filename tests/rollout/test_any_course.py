"""Whatever people order and hold, versions do, servers and clocks suffer: a rollout stays in its table, never exposes more
than it wants to, and ends when it is told to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfx_rollout.control.local import changes
from tfx_rollout.errors import Conflict, NotFound, RolloutInProgress
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import TABLE, Event, Phase
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Cause, DesiredState, Split, Track, same_traffic

CLASSES = {"cat": 0.9, "dog": 0.1}
BEHAVIOURS = {
    "good": Behaviour(classes=CLASSES),
    "bad": Behaviour(failures=0.8, classes=CLASSES),
    "drifting": Behaviour(classes={"cat": 0.1, "dog": 0.9}),
    "slow": Behaviour(latency_us=50_000.0, classes=CLASSES),
}
NOTES = {"order_refused", "stage_in_force", "clock_jumped", "held"}
"""Events that change no phase."""


def attempt(act: Callable[[], object]) -> None:
    """An order may not fit; a rollout may run already."""
    try:
        act()
    except (Conflict, RolloutInProgress):
        return


def hold(world: Any, change: Callable[..., DesiredState], *about: Any) -> None:
    """People change what is held; it may be needed, or not there."""
    now = world.base.desired()
    try:
        wanted = change(now, *about)
    except (Conflict, NotFound):
        return
    world.base.write_desired(wanted.change(cause=Cause("fay", "to compare")), expected=now.generation)


def crash(world: Any) -> None:
    if "m~canary" in world.serving.servers:
        world.serving.servers["m~canary"].crash()


ORDERS = st.sampled_from(["approve", "promote", "pause", "resume", "skip", "abort", "rollback"]).map(
    lambda kind: lambda world: attempt(lambda: world.order(kind))
)
HELD = st.one_of(
    st.tuples(st.sampled_from([changes.load, changes.unload, changes.pin, changes.unpin]), st.integers(1, 3)),
    st.tuples(st.just(changes.name), st.sampled_from(["eu", "us"]), st.integers(1, 3)),
    st.tuples(st.just(changes.unname), st.sampled_from(["eu", "us"])),
).map(lambda asked: lambda world: hold(world, *asked))
HAPPENINGS = st.one_of(
    st.integers(1, 8).map(lambda ticks: lambda world: [world.tick() for _ in range(ticks)]),
    ORDERS,
    ORDERS,
    HELD,
    st.sampled_from(sorted(BEHAVIOURS)).map(lambda name: lambda world: world.canary(BEHAVIOURS[name])),
    st.sampled_from([-30.0, 20.0, 4000.0]).map(lambda seconds: lambda world: world.clock.jump(seconds)),
    st.just(lambda world: world.restart()),
    st.just(crash),
)
PLANS = st.fixed_dictionaries(
    {
        "promotion": st.sampled_from(["blessing", "automatic", "approval"]),
        "step_back": st.sampled_from([{}, {"shares": [0.3, 0.1], "step_seconds": 3}]),
        "every_stage": st.fixed_dictionaries(
            {"approval": st.booleans(), "on_inconclusive": st.sampled_from(["hold", "ask", "advance", "rollback"])}
        ),
        "first": st.sampled_from([(), ({"kind": "shadow", "min_seconds": 2}, {"kind": "header", "min_seconds": 2})]),
        "last": st.sampled_from([(), ({"kind": "bake", "min_seconds": 5, "max_seconds": 100},)]),
    }
)
QUICK = {
    "stages": [{"share": share, "min_seconds": 2, "max_seconds": 30, "max_failure_rate": 0.4} for share in (0.2, 0.5)],
    "predictions": {"weight": 1.0},
    "latency": {"weight": 0.5},
    "beta": 0.3,
    "window_seconds": 2,
    "min_windows": 2,
    "min_requests": 10,
    "promotion_deadline_seconds": 15,
}


def check(world: Any, plan: Any) -> None:
    state = world.state
    for event in world.record.events:
        if event["event"] not in NOTES:
            assert str(TABLE[Phase(event["from"]), Event(event["event"])].phase) == event["to"]
    check_held(world.base)
    wanted = world.base.desired().split
    assert world.serving.settle(world.base.desired()).split == wanted
    most = 0 if state.stage < 0 else plan.stages[state.stage].split.canary
    assert wanted.canary <= (0 if state.finished or state.phase in (Phase.PROMOTING, Phase.ROLLING_BACK) else most)


def check_held(base: BasePath) -> None:
    """People have moved no traffic, and the rollout has left alone what they hold."""
    written = [DesiredState.from_json(event) for event in base.history() if event["event"] == "desired"]
    for one, then in pairwise(written):
        if then.cause.by == "fay":
            assert same_traffic(one, then)
        else:
            assert (one.pinned, one.aliases) == (then.pinned, then.aliases)
            assert one.loaded <= set(then.versions) or then.stable != one.stable, "only a promotion lets loaded versions go"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=PLANS, happenings=st.lists(HAPPENINGS, min_size=5, max_size=25))
def test_a_rollout_stays_in_its_table_exposes_no_more_than_it_wants_and_ends_when_told_to(new_world, plan, changes, happenings):
    world = new_world()
    chosen = plan(**QUICK, **changes)
    world.evidence.behaviours[Track.STABLE] = BEHAVIOURS["good"]
    world.canary(BEHAVIOURS["good"])
    world.start(chosen)
    for happens in happenings:
        happens(world)
        world.tick()
        check(world, chosen)
    attempt(lambda: world.order("rollback", now=True))
    state = world.run(lambda state: state.finished, most=25)
    check(world, chosen)
    assert world.serving.split == Split()
    assert world.serving.answers(Track.STABLE) == (2 if state.outcome == "promoted" else 1)
    assert state.outcome != "failed"
    assert world.serving.servers.keys() == {"m"}
    root: Path = world.base.store.root
    shutil.rmtree(root)
