"""Opening a stage: gates begin anew, and what windows are held against is taken anew from all that stable has shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tfx_rollout.rollout.judge.baselines import limit_buckets, wrong_share
from tfx_rollout.rollout.judge.ledger import BEFORE, Ledger
from tfx_rollout.rollout.plan import Plan


def open_stages(plan: Plan, ledger: Ledger, chosen: npt.ArrayLike, *, at: float) -> Ledger:
    """The ledger with the next stage opened in the chosen runs, a mask `(R,)`. `at` as in `open_at`."""
    rows = np.asarray(chosen, dtype=np.bool_)
    return open_at(plan, ledger, np.where(rows, ledger.stage + 1, ledger.stage), at=at)


def open_at(plan: Plan, ledger: Ledger, stage: npt.ArrayLike, *, at: float) -> Ledger:
    """The ledger with each run at this stage, opened at `at` (seconds since the epoch, when its split came in force).

    Latency limits and stable's accuracy are taken anew from all that stable has shown so far. Where that is too little, as
    at the first stage, windows of the stage supply it. Both are always fixed before the windows they are used on, which is
    all that the tests ask for. The evidence for a rollback goes on; one that begins with this stage is begun beside it.
    A run that is at its stage already is left as it is. ValueError where a stage lies behind or beyond the plan.
    """
    target = np.broadcast_to(np.asarray(stage, dtype=np.int64), ledger.stage.shape)
    wrong = (target < ledger.stage) | (target >= len(plan.stages))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(f"stage {target[first]} cannot follow stage {ledger.stage[first]} of {len(plan.stages)}")
    new = target > ledger.stage
    if not new.any():
        return ledger
    begun = ledger.begun.copy()
    begun[new, target[new]] = True
    limits, share = ledger.limit_buckets.copy(), ledger.wrong_share.copy()
    limits[new] = limit_buckets(ledger.stable_latency[new])
    share[new] = wrong_share(ledger.baseline_labels[new])
    return replace(
        ledger,
        stage=np.where(new, target, ledger.stage),
        opened_at=np.where(new, at, ledger.opened_at),
        since=np.where((new & (ledger.stage == BEFORE))[:, None], at, ledger.since),
        begun=begun,
        limit_buckets=limits,
        wrong_share=share,
        stage_windows=np.where(new, 0, ledger.stage_windows),
        stage_requests=np.where(new, 0, ledger.stage_requests),
        gate_logs=np.where(new[:, None, None], 0.0, ledger.gate_logs),
        gate_counts=np.where(new[:, None, None], 0, ledger.gate_counts),
    )
