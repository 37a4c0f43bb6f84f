"""The judge of one rollout: folds windows into evidence, and says after each what is to be done.

Pure and deterministic: plan, state and window in, state and verdict out; no clock but that of the
windows. So a controller that dies anywhere judges the windows it had not yet recorded again,
and comes to the same bits. It is `fold` and `calls` with one row.

    begin ─► (windows before the first stage: what stable is like) ─► open_stage 0 ─► judge … ─► open_stage 1 ─► judge …

A state that has reached its verdict may go on being judged: a canary that waits for an approval or for
the blessing is still watched, and what counts then is `rollback` and `ask`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfx_rollout.evidence import Window
from tfx_rollout.rollout.judge.assessment import assess
from tfx_rollout.rollout.judge.bins import Bins
from tfx_rollout.rollout.judge.fold import fold
from tfx_rollout.rollout.judge.ledger import ASKERS, BEFORE, begin_many
from tfx_rollout.rollout.judge.stages import open_at
from tfx_rollout.rollout.judge.state import JudgeState
from tfx_rollout.rollout.judge.verdict import Verdict
from tfx_rollout.rollout.judge.window_batch import WindowBatch
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.traffic import Track


def begin(plan: Plan, *, attempt: int = 0) -> JudgeState:
    """The state before anything was seen. `attempt` counts retries of the same version from 0;
    each halves the alpha, so that many attempts together keep to it (twice the plan's alpha at most)."""
    return JudgeState(begin_many(plan, 1, attempt=attempt), Bins(plan.predictions.kind))


def open_stage(plan: Plan, state: JudgeState, stage: int, *, at: float) -> JudgeState:
    """The state with this stage opened at `at` (seconds since the epoch, when its split came in force).

    What that begins anew: `stages.open_at`. The stage that is open already is left as it is, so a repetition does no
    harm. ValueError for a stage that lies behind, or beyond the plan.
    """
    return replace(state, ledger=open_at(plan, state.ledger, stage, at=at))


def judge(plan: Plan, state: JudgeState, window: Window) -> tuple[JudgeState, Verdict]:
    """The state after this window, and the verdict on it.

    A void window changes nothing, nor does one whose number is not above that of the last judged
    one; the verdict is then that on the unchanged state. A window under another split than the stage's
    (closed while the split changed, or left from the stage before) counts towards a
    rollback but not towards passing.
    """
    if window.void or (state.last_window is not None and window.number <= state.last_window):
        return state, assess(plan, state)
    bins = state.bins.after(window.counts(Track.STABLE).predictions)
    track = Track.CANARY if state.stage == BEFORE else plan.stages[state.stage].track
    state = JudgeState(fold(plan, state.ledger, WindowBatch.of(window, track, bins)), bins)
    return state, assess(plan, state)


def delay(state: JudgeState, seconds: float) -> JudgeState:
    """The state whose open stage was opened so much later (negative: earlier): time that shall not count for it, as when the
    rollout was paused or the clock jumped. Without an open stage as it was."""
    later = np.where(state.ledger.stage == BEFORE, state.ledger.opened_at, state.ledger.opened_at + seconds)
    return replace(state, ledger=replace(state.ledger, opened_at=later))


def accept(state: JudgeState, *askers: str) -> JudgeState:
    """The state in which a person has looked at what these ask (of `Verdict.asking`), and said go on.

    They ask no more, and do not keep a stage from passing: accepted drift is left out of the evidence, an accepted guard is
    not raised again. ValueError for other names.
    """
    unknown = [name for name in askers if name not in ASKERS]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} asks nothing; what may ask is {', '.join(ASKERS)}")
    accepted = state.ledger.accepted | np.array([name in askers for name in ASKERS])
    return replace(state, ledger=replace(state.ledger, accepted=accepted))
