"""Courses on which a rollout comes to each transition of the table, and the means to kill its controller there."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import Event, Phase
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.rollout.state import WATCHED
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Cause, DesiredState, Label, Track

QUICK = {
    "stages": [{"share": share, "min_seconds": 2, "max_seconds": 1000, "max_failure_rate": 0.4} for share in (0.3, 0.6)],
    "beta": 0.3,
    "window_seconds": 2,
    "waiting_seconds": 1,
    "min_windows": 2,
    "min_requests": 1,
    "promotion_deadline_seconds": 10,
}
BAD = Behaviour(failures=0.9)
CATS, DOGS = Behaviour(classes={"cat": 0.95, "dog": 0.05}), Behaviour(classes={"cat": 0.05, "dog": 0.95})


Happening = Callable[[Any], None]
Turns = tuple[tuple[Phase, Happening | None], ...]


@dataclass(frozen=True)
class Course:
    """How a rollout comes to a transition: the phases that it comes to in turn, and what happens to it in each.

    In a phase that is watched it happens after another window was judged.
    """

    turns: Turns
    plan: dict[str, Any] = field(default_factory=dict)
    first: bool = False
    """Whether nothing is live before."""
    behaviours: dict[Track, Behaviour] = field(default_factory=dict)


# What happens to a rollout


def order(kind: str, **more: Any) -> Happening:
    return lambda world: world.order(kind, **more)


def goes_bad(world: Any) -> None:
    world.canary(BAD)


def drifts(world: Any) -> None:
    world.canary(DOGS)


def dies(world: Any) -> None:
    for _ in range(3):
        world.serving.servers["m~canary"].crash()


def does_not_load(world: Any) -> None:
    world.serving.broken = {2}
    for server in world.serving.servers.values():
        server.broken = {2}


def is_overruled(world: Any) -> None:
    other = DesiredState("m", versions=(3,), labels={Label.STABLE: 3}, cause=Cause("eve", "an emergency"))
    world.base.write_desired(other, expected=world.base.desired().generation)


def vanishes(world: Any) -> None:
    world.base.remove_version(2)


def nothing(world: Any) -> None:
    """Time passes."""


# Plans and ways to a phase

ASKING = {"every_stage": {"approval": True}}
AUTOMATIC = {"promotion": "automatic"}
STEPS = {"step_back": {"shares": [0.2, 0.1], "step_seconds": 2}}
DRIFT = {"predictions": {"weight": 1.0}}
CALM = {Track.STABLE: CATS, Track.CANARY: CATS}
DRIFTING = {Track.STABLE: CATS, Track.CANARY: DOGS}
PATIENT = {"promotion_deadline_seconds": 1000}

SUBMITTED = ((Phase.SUBMITTED, None),)
LOADING = ((Phase.LOADING, None),)
GOING_LIVE = ((Phase.GOING_LIVE, None),)
RUNNING = ((Phase.RUNNING, None),)
AWAITING = ((Phase.AWAITING_APPROVAL, None),)
PAUSED = ((Phase.RUNNING, order("pause")), (Phase.PAUSED, None))
HOLDING = ((Phase.HOLDING, None),)
PAUSED_HOLD = ((Phase.HOLDING, order("pause")), (Phase.PAUSED, None))
ASKED_HOLD = ((Phase.HOLDING, drifts), (Phase.AWAITING_APPROVAL, None))
PROMOTING = ((Phase.PROMOTING, None),)
STEPPING = ((Phase.RUNNING, order("abort")), (Phase.STEPPING_BACK, None))
ROLLING = ((Phase.RUNNING, order("abort")), (Phase.ROLLING_BACK, None))


def then(turns: Turns, happens: Happening) -> Turns:
    """The last turn with something that happens in it."""
    return (*turns[:-1], (turns[-1][0], happens))


COURSES: dict[tuple[Phase, Event], Course] = {
    (Phase.QUEUED, Event.TURN): Course(((Phase.QUEUED, nothing),)),
    (Phase.QUEUED, Event.STOP): Course(((Phase.QUEUED, order("abort")),)),
    (Phase.SUBMITTED, Event.BEGIN): Course(then(SUBMITTED, nothing)),
    (Phase.SUBMITTED, Event.BEGIN_FIRST): Course(then(SUBMITTED, nothing), first=True),
    (Phase.SUBMITTED, Event.IMPOSSIBLE): Course(then(SUBMITTED, vanishes)),
    (Phase.SUBMITTED, Event.STOP): Course(then(SUBMITTED, order("abort"))),
    (Phase.LOADING, Event.READY): Course(then(LOADING, nothing)),
    (Phase.LOADING, Event.UNSERVABLE): Course(then(LOADING, does_not_load)),
    (Phase.LOADING, Event.STOP): Course(then(LOADING, order("abort"))),
    (Phase.LOADING, Event.OVERRULED): Course(then(LOADING, is_overruled)),
    (Phase.GOING_LIVE, Event.PASSED): Course(then(GOING_LIVE, nothing), first=True),
    (Phase.GOING_LIVE, Event.PASSED_AT_ONCE): Course(then(GOING_LIVE, nothing), AUTOMATIC, first=True),
    (Phase.GOING_LIVE, Event.UNSERVABLE): Course(then(GOING_LIVE, does_not_load), first=True),
    (Phase.GOING_LIVE, Event.STOP): Course(then(GOING_LIVE, order("abort")), first=True),
    (Phase.GOING_LIVE, Event.OVERRULED): Course(then(GOING_LIVE, is_overruled), first=True),
    (Phase.RUNNING, Event.ADVANCE): Course(then(RUNNING, nothing)),
    (Phase.RUNNING, Event.SKIP): Course(then(RUNNING, order("skip"))),
    (Phase.RUNNING, Event.ASK): Course(then(RUNNING, nothing), DRIFT, behaviours=DRIFTING),
    (Phase.RUNNING, Event.PAUSE): Course(then(RUNNING, order("pause"))),
    (Phase.RUNNING, Event.PASSED): Course(then(RUNNING, order("skip"))),
    (Phase.RUNNING, Event.PASSED_AT_ONCE): Course(then(RUNNING, order("skip")), AUTOMATIC),
    (Phase.RUNNING, Event.PROMOTE): Course(then(RUNNING, order("promote"))),
    (Phase.RUNNING, Event.REGRESSED): Course(then(RUNNING, goes_bad)),
    (Phase.RUNNING, Event.INCONCLUSIVE): Course(
        then(RUNNING, nothing), {"min_requests": 10**6, "every_stage": {"max_seconds": 5, "on_inconclusive": "rollback"}}
    ),
    (Phase.RUNNING, Event.UNSERVABLE): Course(then(RUNNING, dies)),
    (Phase.RUNNING, Event.STOP): Course(then(RUNNING, order("abort"))),
    (Phase.RUNNING, Event.STEP_BACK): Course(then(RUNNING, goes_bad), STEPS),
    (Phase.RUNNING, Event.OVERRULED): Course(then(RUNNING, is_overruled)),
    (Phase.AWAITING_APPROVAL, Event.ADVANCE): Course(then(AWAITING, order("approve")), ASKING),
    (Phase.AWAITING_APPROVAL, Event.SKIP): Course(then(AWAITING, order("skip")), ASKING),
    (Phase.AWAITING_APPROVAL, Event.ASK): Course(then(AWAITING, drifts), {**ASKING, **DRIFT}, behaviours=CALM),
    (Phase.AWAITING_APPROVAL, Event.RESUME): Course(then(AWAITING, order("approve")), DRIFT, behaviours=DRIFTING),
    (Phase.AWAITING_APPROVAL, Event.RESUME_HOLD): Course(
        then(ASKED_HOLD, order("approve")), {**DRIFT, **PATIENT}, behaviours=CALM
    ),
    (Phase.AWAITING_APPROVAL, Event.PASSED): Course(((Phase.RUNNING, order("skip")), *then(AWAITING, order("approve"))), ASKING),
    (Phase.AWAITING_APPROVAL, Event.PASSED_AT_ONCE): Course(
        ((Phase.RUNNING, order("skip")), *then(AWAITING, order("approve"))), {**ASKING, **AUTOMATIC}
    ),
    (Phase.AWAITING_APPROVAL, Event.PROMOTE): Course(then(AWAITING, order("promote")), ASKING),
    (Phase.AWAITING_APPROVAL, Event.REGRESSED): Course(then(AWAITING, goes_bad), ASKING),
    (Phase.AWAITING_APPROVAL, Event.UNSERVABLE): Course(then(AWAITING, dies), ASKING),
    (Phase.AWAITING_APPROVAL, Event.STOP): Course(then(AWAITING, order("abort")), ASKING),
    (Phase.AWAITING_APPROVAL, Event.STEP_BACK): Course(then(AWAITING, order("abort")), {**ASKING, **STEPS}),
    (Phase.AWAITING_APPROVAL, Event.OVERRULED): Course(then(AWAITING, is_overruled), ASKING),
    (Phase.PAUSED, Event.RESUME): Course(then(PAUSED, order("resume"))),
    (Phase.PAUSED, Event.RESUME_HOLD): Course(then(PAUSED_HOLD, order("resume")), PATIENT),
    (Phase.PAUSED, Event.SKIP): Course(then(PAUSED, order("skip"))),
    (Phase.PAUSED, Event.PROMOTE): Course(then(PAUSED, order("promote"))),
    (Phase.PAUSED, Event.REGRESSED): Course(then(PAUSED, goes_bad)),
    (Phase.PAUSED, Event.UNSERVABLE): Course(then(PAUSED, dies)),
    (Phase.PAUSED, Event.STOP): Course(then(PAUSED, order("abort"))),
    (Phase.PAUSED, Event.STEP_BACK): Course(then(PAUSED, order("abort")), STEPS),
    (Phase.PAUSED, Event.OVERRULED): Course(then(PAUSED, is_overruled)),
    (Phase.HOLDING, Event.ASK): Course(then(HOLDING, drifts), {**DRIFT, **PATIENT}, behaviours=CALM),
    (Phase.HOLDING, Event.PAUSE): Course(then(HOLDING, order("pause")), PATIENT),
    (Phase.HOLDING, Event.PROMOTE): Course(then(HOLDING, order("promote"))),
    (Phase.HOLDING, Event.DEADLINE_PROMOTE): Course(then(HOLDING, nothing), {"on_deadline": "promote"}),
    (Phase.HOLDING, Event.DEADLINE_ROLLBACK): Course(then(HOLDING, nothing)),
    (Phase.HOLDING, Event.REGRESSED): Course(then(HOLDING, goes_bad), PATIENT),
    (Phase.HOLDING, Event.UNSERVABLE): Course(then(HOLDING, dies), PATIENT),
    (Phase.HOLDING, Event.STOP): Course(then(HOLDING, order("rollback"))),
    (Phase.HOLDING, Event.STEP_BACK): Course(then(HOLDING, order("rollback")), STEPS),
    (Phase.HOLDING, Event.OVERRULED): Course(then(HOLDING, is_overruled)),
    (Phase.PROMOTING, Event.APPLIED): Course(then(PROMOTING, nothing), AUTOMATIC),
    (Phase.PROMOTING, Event.UNSERVABLE): Course(then(PROMOTING, does_not_load), AUTOMATIC),
    (Phase.PROMOTING, Event.STOP): Course(then(PROMOTING, order("abort")), AUTOMATIC),
    (Phase.PROMOTING, Event.OVERRULED): Course(then(PROMOTING, is_overruled), AUTOMATIC),
    (Phase.STEPPING_BACK, Event.STEP_BACK): Course(then(STEPPING, nothing), STEPS),
    (Phase.STEPPING_BACK, Event.STEPPED_BACK): Course(then(STEPPING, nothing), STEPS),
    (Phase.STEPPING_BACK, Event.UNSERVABLE): Course(then(STEPPING, dies), {"step_back": {"shares": [0.1], "step_seconds": 9}}),
    (Phase.STEPPING_BACK, Event.STOP): Course(then(STEPPING, order("rollback", now=True)), STEPS),
    (Phase.STEPPING_BACK, Event.OVERRULED): Course(then(STEPPING, is_overruled), STEPS),
    (Phase.ROLLING_BACK, Event.APPLIED): Course(then(ROLLING, nothing)),
    (Phase.ROLLING_BACK, Event.OVERRULED): Course(then(ROLLING, is_overruled)),
}


@dataclass
class Drive:
    """Drives a world along a course, a tick at a time."""

    course: Course
    world: Any
    turn: int = 0
    windows: int = 0
    """How many were judged when the last turn was taken."""

    @classmethod
    def begin(cls, course: Course, world: Any, plan: Callable[..., Any]) -> Drive:
        """Along this course from the start, in a world with version 1 live."""
        changes = {**QUICK, **course.plan}
        if course.first:
            world.base.write_desired(DesiredState("m"), expected=1)
        if course.turns[0][0] is Phase.QUEUED:
            world.start(plan(**QUICK), version=3)
            world.order("abort")
            changes["on_running"] = "queue"
        world.evidence.behaviours.update(course.behaviours)
        world.start(plan(**changes))
        return cls(course, world)

    def prepare(self) -> None:
        """What happens before the controller's tick: a turn of the course, and the supervisor's work."""
        state = self.world.state
        if self.turn < len(self.course.turns):
            phase, happens = self.course.turns[self.turn]
            if state.phase is phase and (phase not in WATCHED or state.windows > self.windows or state.first_version):
                self.turn, self.windows = self.turn + 1, state.windows
                if happens is not None:
                    happens(self.world)
        self.world.base.write_observed(self.world.serving.settle(self.world.base.desired()))

    def go_on(self, ticks: int) -> dict[str, Any]:
        """So many ticks on, and no further than to the end of the rollout; the record then."""
        for _ in range(ticks):
            self.world.clock.advance(1.0)
            if self.world.state.finished:
                break
            self.prepare()
            self.world.controller.tick()
        return record(self.world)

    def clone(self, root: Path) -> Drive:
        """The same once more, in a world of its own at this root, whose controller is new."""
        world = self.world
        shutil.copytree(world.base.store.root, root)
        parts = copy.deepcopy((world.clock, world.serving, world.evidence))
        other = type(world)(ModelStore(root).model("m"), *parts, world.controller)
        other.restart()
        return Drive(self.course, other, self.turn, self.windows)


def record(world: Any) -> dict[str, Any]:
    """All that counts: state, windows, verdicts and events of every rollout, what is desired, and its history."""
    # The store tells its own time, which is not the simulated one.
    history = [{**event, "at": None} for event in world.base.history()]
    found: dict[str, Any] = {"desired": world.base.desired().to_json(), "history": history}
    for state in world.states:
        journal = Journal(world.base, state.id)
        windows = journal.path / "windows.jsonl"
        found[state.id] = {
            "state": (journal.path / "state.json").read_text(),
            "windows": windows.read_text() if windows.exists() else "",
            "verdicts": {number: verdict.to_json() for number, verdict in journal.verdicts().items() if number <= state.windows},
            "events": journal.events(),
        }
    return json.loads(json.dumps(found))


CHANGES = frozenset({"fsync", "replace", "rename", "unlink", "mkdir"})
"""Calls that make a change of the disk visible or durable. Each `write` is followed by an `fsync`, so that a kill before
that one finds what was written, and a kill before the one before it what was there."""


class Killed(BaseException):
    """Like `kill -9`: no `except` of the program under test may catch it."""


class Kill:
    """Ends what runs before its n-th call that changes something, really (SIGKILL) or by `Killed`; 0 only counts the calls."""

    def __init__(self, before: int = 0, *, really: bool = False) -> None:
        self.seen, self.before, self.really = 0, before, really

    def during(self, act: Callable[[], None]) -> bool:
        """Run this until it ends or is killed; whether it was."""
        sys.setprofile(self._profile)
        try:
            act()
        except Killed:
            return True
        finally:
            sys.setprofile(None)
        return False

    def in_a_process(self, act: Callable[[], None]) -> None:
        """Run this in a process of its own, which has to be killed."""
        pid = os.fork()
        if pid == 0:
            self.during(act)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"the process ended before its change {self.before}"
        assert os.WTERMSIG(status) == signal.SIGKILL

    def _profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or called.__name__ not in CHANGES:
            return
        module = called.__module__ or type(getattr(called, "__self__", None)).__module__
        if module not in ("posix", "_io", "io"):
            return
        self.seen += 1
        if self.seen == self.before:
            if self.really:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Killed


@pytest.fixture
def courses() -> dict[tuple[Phase, Event], Course]:
    """The course to each transition."""
    return COURSES


@pytest.fixture
def drive(live, plan) -> Callable[[Course], Drive]:
    """A drive along a course from the start."""
    return lambda course: Drive.begin(course, live, plan)


@pytest.fixture
def kill() -> type[Kill]:
    """`kill(before=n, really=True).in_a_process(act)`, `kill(n).during(act)`, `kill()` to count."""
    return Kill


@pytest.fixture
def recorded() -> Callable[[Any], dict[str, Any]]:
    """The record of a world: all that counts."""
    return record
