"""The time that counts for a rollout: neither jumps of the wall clock nor what stands still. Pure.

Phases, stages and deadlines are told by the wall clock, which evidence and records share. They are
kept right by moving what they are counted from:

- The wall clock jumps while the controller runs: it sees that (`clock`), and moves
  everything by the jump (`after_jump`). A window over the jump is void, and none begins before it; after a jump
  back none begins before the clock has passed what is judged already, so that no request counts twice.
- A rollout is paused, or asks about its candidate: what was interrupted goes on with the time it had (`resumed`), and
  the judge's stage is delayed by every window that was closed meanwhile (`delayed`).

A jump while no controller runs cannot be told from time that passed, and counts as such: after one forward a stage
may be inconclusive or a deadline over, after one back they last longer. No window is counted
over it either, since the gateway's log shows the hole.
"""

from __future__ import annotations

from dataclasses import replace

from tfx_rollout.evidence import Window
from tfx_rollout.rollout.judge import delay
from tfx_rollout.rollout.state import Interruption, Phase, RolloutState


def after_jump(state: RolloutState, seconds: float) -> RolloutState:
    """The state after the wall clock jumped by so many seconds."""
    return state.change(
        phase_since=state.phase_since + seconds,
        stage_since=state.stage_since + seconds,
        fault_since=None if state.fault_since is None else state.fault_since + seconds,
        judge=delay(state.judge, seconds),
    )


def interrupted(state: RolloutState, now: float) -> RolloutState:
    """The state in which its phase is interrupted at `now`; the new phase is the caller's to change."""
    return state.change(interrupted=Interruption(state.phase, now - state.phase_since), phase_since=now)


def resumed(state: RolloutState, now: float) -> RolloutState:
    """The state in which what was interrupted goes on as if no time had passed; the phase is the caller's to change."""
    if state.interrupted is None:
        return state
    return _standing_still(state, now).change(
        interrupted=None,
        phase_since=now - state.interrupted.lasted,
        stage_since=state.stage_since + (now - state.phase_since),
    )


def delayed(state: RolloutState, window: Window) -> RolloutState:
    """The state in which the judge's stage is the longer for the part of this window in which the rollout stood still."""
    return _standing_still(state, window.end)


def _standing_still(state: RolloutState, until: float) -> RolloutState:
    """The state in which the time of the interruption does not count for the open stage, as far as it lies before `until`.

    The deadline of one that holds has its own time.
    """
    interrupted = state.interrupted
    if interrupted is None or interrupted.phase is not Phase.RUNNING or state.judge.stage != state.stage:
        return state
    began = max(state.phase_since, state.judge.opened_at - interrupted.delay)
    seconds = max(0.0, until - began - interrupted.delay)
    return state.change(interrupted=replace(interrupted, delay=interrupted.delay + seconds), judge=delay(state.judge, seconds))
