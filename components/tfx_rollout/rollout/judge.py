"""The judge: folds windows into evidence, and says after each what is to be done.

Pure and deterministic: plan, state and window in, state and verdict out; no clock but that of the
windows. So a controller that dies anywhere judges the windows it had not yet recorded again,
and comes to the same bits.

    begin ─► (windows before the first stage: stable's latency only) ─► open_stage 0 ─► judge … ─► open_stage 1 ─► judge …

A state that has reached its verdict may go on being judged: a canary that waits for an approval or for
the blessing is still watched, and the only call that counts then is `rollback`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tfx_rollout.analysis import (
    FULL_BASELINE,
    GATED,
    MIN_BASELINE,
    QUANTILES,
    PassageEvidence,
    Table,
    canary_limit_us,
    request_bets,
    window_bets,
)
from tfx_rollout.evidence import LatencyHistogram, Window
from tfx_rollout.rollout.assessment import assess, log_e_values
from tfx_rollout.rollout.judge_state import BEFORE, JudgeState
from tfx_rollout.rollout.plan import LatencyTest, Plan
from tfx_rollout.rollout.verdict import Verdict
from tfx_rollout.traffic import Track

_T = TypeVar("_T")


def begin(plan: Plan, *, attempt: int = 0) -> JudgeState:
    """The state before anything was seen. `attempt` counts retries of the same version from 0;
    each halves the alpha, so that many attempts together keep to it (twice the plan's alpha at most)."""
    return JudgeState.empty(len(plan.stages), attempt)


def open_stage(plan: Plan, state: JudgeState, stage: int, *, at: float) -> JudgeState:
    """The state with this stage opened at `at` (seconds since the epoch, when its split came in force).

    Resets the gates, and takes the latency limits anew from all of stable's answers seen so far. Where
    these are too few, as at the first stage, windows of the stage supply them: below `MIN_BASELINE`
    answers nothing counts for latency, below `FULL_BASELINE` each window corrects the limits for
    those after it. Limits are always fixed before the windows they are used on, which is all
    that the tests ask for.
    The stage that is open already is left as it is, so a repetition does no harm.
    """
    if stage == state.stage:
        return state
    if not state.stage < stage < len(plan.stages):
        raise ValueError(f"stage {stage} cannot follow stage {state.stage} of {len(plan.stages)}")
    return replace(
        state,
        stage=stage,
        opened_at=at,
        errors=state.errors.opened(stage),
        latency=tuple(evidence.opened(stage) for evidence in state.latency),
        limits_us=_quantiles(state.stable_latency),
        stage_windows=0,
        error_gate=PassageEvidence(),
        latency_gates=(PassageEvidence(),) * len(GATED),
    )


def judge(plan: Plan, state: JudgeState, window: Window) -> tuple[JudgeState, Verdict]:
    """The state after this window, and the verdict on it.

    A void window changes nothing, nor does one whose number is not above that of the last judged
    one; the verdict is then that on the unchanged state. A window under another split than the stage's
    (closed while the split changed, or left from the stage before) counts towards a
    rollback but not towards passing.
    """
    if window.void or (state.last_window is not None and window.number <= state.last_window):
        return state, assess(plan, state)
    state = _after(plan, state, window)
    return state, assess(plan, state)


def _after(plan: Plan, state: JudgeState, window: Window) -> JudgeState:
    canary, stable = window.counts(Track.CANARY), window.counts(Track.STABLE)
    stable_latency = state.stable_latency + stable.latency
    seen = replace(state, last_window=window.number, ended_at=window.end, stable_latency=stable_latency)
    if state.stage == BEFORE:
        return seen

    errors = Table(canary.failures, canary.requests, stable.failures, stable.requests)
    settled = window.start >= state.opened_at + plan.latency.settle_seconds
    limits = state.limits_us if settled else ()
    slow = [_slow(limit, plan.latency, canary.latency, stable.latency) for limit in limits]
    judged = replace(
        seen,
        windows=state.windows + 1,
        errors=state.errors.after(errors, request_bets(errors, plan.errors.tolerance)),
        latency=_each(state.latency, slow, lambda evidence, table: evidence.after(table, window_bets(table))),
        limits_us=state.limits_us if state.stable_latency.total >= FULL_BASELINE else _quantiles(stable_latency),
    )
    before, after = log_e_values(state), log_e_values(judged)
    judged = replace(judged, raised={name: count + (after[name] > before[name]) for name, count in state.raised.items()})

    stage = plan.stages[state.stage]
    if window.split != stage.split:
        return judged
    gated = [table for quantile, table in zip(QUANTILES, slow, strict=False) if quantile in GATED]
    return replace(
        judged,
        stage_windows=state.stage_windows + 1,
        error_gate=state.error_gate.after(errors, stage.bad_odds_ratio),
        latency_gates=_each(state.latency_gates, gated, lambda gate, table: gate.after(table, stage.bad_odds_ratio)),
    )


def _each(evidence: tuple[_T, ...], tables: Sequence[Table], after: Callable[[_T, Table], _T]) -> tuple[_T, ...]:
    """Each piece of evidence after its own table; as it was where there are none, before the limits are known."""
    return tuple(after(e, table) for e, table in zip(evidence, tables, strict=True)) if tables else evidence


def _slow(limit_us: float, test: LatencyTest, canary: LatencyHistogram, stable: LatencyHistogram) -> Table:
    """Slow answers of the two tracks, each against its own limit."""
    own_limit = canary_limit_us(limit_us, test.ratio, test.slack_ms)
    return Table(canary.above(own_limit), canary.total, stable.above(limit_us), stable.total)


def _quantiles(latency: LatencyHistogram) -> tuple[float, ...]:
    """The limits from these latencies of stable, none where they are too few."""
    if latency.total < MIN_BASELINE:
        return ()
    return tuple(limit for q in QUANTILES if (limit := latency.quantile(q)) is not None)
