"""What a retraining does that finds a rollout of its model, or another retraining, on its way.

    wait        until that has ended
    supersede   a rollout is ordered to make room, and goes back to what was before it; a retraining is waited for
    stop        this retraining is not begun

A retraining that has begun holds the model's retraining lock, so of several that start at once one
goes on; and a second canary is kept out by the store's own lock, under which each rollout starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args

from tfx_rollout.audit import step_recorded
from tfx_rollout.errors import Conflict, RetrainingOverlap
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout.operations import list_rollouts, send_order
from tfx_rollout.rollout.state import RolloutState
from tfx_rollout.schedule.retraining import Claim, RetrainingLock

OnOverlap = Literal["wait", "supersede", "stop"]
ON_OVERLAP: tuple[OnOverlap, ...] = get_args(OnOverlap)
WAIT_SECONDS = 3600.0
"""How long is waited by default."""
_POLL_SECONDS = 0.25
Say = Callable[[str], None]
Pause = Callable[[float], object]
"""Waits for so many seconds. What it raises ends the waiting."""


@contextmanager
def retraining(
    base: BasePath,
    on_overlap: OnOverlap,
    *,
    wait_seconds: float,
    by: str,
    say: Say = lambda _: None,
    pause: Pause = time.sleep,
) -> Iterator[None]:
    """The right to retrain a model, for the length of the block: the lock is held, and no rollout was on its way.

    `RetrainingOverlap` where it is not had: at once with `stop`, after `wait_seconds` with the others.
    """
    deadline = time.monotonic() + wait_seconds
    with ExitStack() as stack:
        _patiently(lambda: stack.enter_context(RetrainingLock(base).held()), on_overlap, deadline, say, pause)
        make_room(base, on_overlap, deadline, by=by, say=say, pause=pause)
        yield


def claim_retraining(
    base: BasePath, on_overlap: OnOverlap, *, run: str, seconds: float, wait_seconds: float, by: str, say: Say = lambda _: None
) -> Claim:
    """The same for a pipeline whose steps are processes of their own: a claim by the run's name, good for `seconds`."""
    deadline = time.monotonic() + wait_seconds
    lock = RetrainingLock(base)
    claims: list[Claim] = []
    _patiently(lambda: claims.append(lock.claim(run, seconds, by=by)), on_overlap, deadline, say)
    try:
        make_room(base, on_overlap, deadline, by=by, say=say)
    except RetrainingOverlap:
        lock.release(run)
        raise
    return claims[-1]


def make_room(base: BasePath, on_overlap: OnOverlap, deadline: float, *, by: str, say: Say, pause: Pause = time.sleep) -> None:
    """Returns when no rollout of the model is on its way. `deadline` is of the monotonic clock."""
    asked: set[str] = set()
    said = ""
    while unfinished := [state for state in list_rollouts(base) if not state.finished]:
        what = _in_words(unfinished[0])
        if on_overlap == "stop":
            raise RetrainingOverlap(base.name, what, "wait for it, end it, or choose on_overlap 'wait' or 'supersede'")
        if on_overlap == "supersede":
            _supersede(base, [state for state in unfinished if state.id not in asked], by, say)
            asked |= {state.id for state in unfinished}
        if time.monotonic() >= deadline:
            raise RetrainingOverlap(base.name, f"{what} and did not end in the time to wait", _mend(base))
        if what != said:
            say(f"{what}; waiting for its end")
            said = what
        pause(_POLL_SECONDS)


def _patiently(take: Callable[[], object], on_overlap: OnOverlap, deadline: float, say: Say, pause: Pause = time.sleep) -> None:
    said = False
    while True:
        try:
            take()
            return
        except RetrainingOverlap as overlap:
            if on_overlap == "stop" or time.monotonic() >= deadline:
                raise
            if not said:
                say(f"{overlap.what}; waiting for its end")
                said = True
        pause(_POLL_SECONDS)


def _supersede(base: BasePath, states: list[RolloutState], by: str, say: Say) -> None:
    why = "a retraining begins, whose model takes its place"
    for state in states:
        try:
            with step_recorded(base, by, "order to supersede", rollout=state.id, why=why) as note:
                sent = send_order(base, state.id, "supersede", by=by, why=why)
                note(f"order {sent.number} of rollout {state.id}")
            say(f"rollout {state.id} of version {state.version} was ordered to make room")
        except Conflict as refusal:
            say(str(refusal))  # it is being promoted, or has just ended: then its end is near


def _in_words(state: RolloutState) -> str:
    return f"rollout {state.id} of version {state.version} is on its way ({str(state.phase).replace('_', ' ')})"


def _mend(base: BasePath) -> str:
    from tfx_rollout.supervisor.presence import running_supervisor

    root = base.store.root
    if running_supervisor(root) is None:
        return f"no supervisor serves {root}, so that nothing ends: start `tfx-rollout serve {root}`"
    return "wait longer, or see to it with `tfx-rollout rollout watch`"
