"""The decision: what each run's evidence comes to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import log_weighted_mean
from tfx_rollout.rollout.judge import gates
from tfx_rollout.rollout.judge.guards import GUARD_THRESHOLD, log_guards
from tfx_rollout.rollout.judge.layout import Layout, layout
from tfx_rollout.rollout.judge.ledger import BEFORE, Ledger
from tfx_rollout.rollout.judge.verdict import Call
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BURST = 1000.0
"""Evidence that exceeds the threshold this many times decides even when it comes from one window."""

MIN_RAISING_WINDOWS = 2
"""Windows that the deciding evidence must come from otherwise: one correlated burst is no regression."""

CALLS = tuple(Call)
"""What the codes of `Calls.call` mean."""

CODES = {call: code for code, call in enumerate(CALLS)}
"""The code of each call."""


@dataclass(frozen=True)
class Calls:
    """The calls on many runs (`R`), with the numbers they rest on. `M` metrics, in the order of `layout(plan).metrics`."""

    call: npt.NDArray[np.int64]
    """(R,) codes, to be read with `CALLS`."""
    log_threshold: float
    """Logarithm of the e-value that decides."""
    log_evidence: Floats
    """(R,) logarithm of the e-value that is held against it: the weighted mean of the metrics, without what was accepted."""
    log_metrics: Floats
    """(R, M) logarithm of each metric's e-value."""
    log_suspicion: Floats
    """(R,) logarithm of the largest of them, without what was accepted: where it is half-way to the threshold no stage passes."""
    leading: npt.NDArray[np.intp]
    """(R,) the metric that contributes most to the evidence, or to that part of it which decides."""
    burst: Mask
    """(R,) where the evidence suffices, but comes from one window."""
    asking: Mask
    """(R, 3) which of `ASKERS` want a person to look."""
    gates: gates.Gates
    log_guards: Floats
    """(R, 2) logarithm of each guard's e-value."""


def calls(plan: Plan, ledger: Ledger) -> Calls:
    """The call on each run, from its ledger alone: the same again for a ledger that is read back.

    At `1/alpha` the evidence rolls back. Where most of it comes from predictions, and the plan says that drift
    asks, a person is asked; but not where what the other metrics contribute suffices by itself.
    """
    columns = layout(plan)
    log_threshold = math.log(plan.rollback_threshold(ledger.attempt))
    shares = ledger.log_metrics + columns.log_weights
    of_rest = np.where(columns.asks, -np.inf, shares)
    every, rest = _log_sum(np.stack([shares, of_rest])) if columns.asks.any() else [_log_sum(shares)] * 2
    accepted = ledger.accepted[:, 0]
    evidence, alone = np.where(accepted, rest, every), rest >= log_threshold
    leading = np.argmax(np.where((alone | accepted)[:, None], of_rest, shares), axis=1)
    enough = evidence >= log_threshold
    raised_in = ledger.raised[np.arange(ledger.runs), leading]
    overwhelming = np.where(alone, rest, evidence) >= log_threshold + math.log(BURST)
    confirmed = enough & ((raised_in >= MIN_RAISING_WINDOWS) | overwhelming)
    asks = columns.asks[leading]
    of_guards = log_guards(ledger)
    objects = (of_guards >= math.log(GUARD_THRESHOLD)) & ~ledger.accepted[:, 1:]
    asking = np.concatenate([(confirmed & asks)[:, None], objects], axis=1)
    held = np.where((columns.asks & accepted[:, None]), -np.inf, ledger.log_metrics)
    suspicion = held.max(axis=1)
    found = gates.evaluate(columns, ledger, suspicion >= log_threshold / 2)
    call = _first_that_applies(columns, ledger, confirmed & ~asks, np.any(asking, axis=1), found)
    burst = enough & ~confirmed
    return Calls(call, log_threshold, evidence, ledger.log_metrics, suspicion, leading, burst, asking, found, of_guards)


def _first_that_applies(columns: Layout, ledger: Ledger, rollback: Mask, asks: Mask, found: gates.Gates) -> npt.NDArray[np.int64]:
    over = found.elapsed >= columns.stages.max_seconds[ledger.stage]
    last = ledger.stage == len(columns.plan.stages) - 1
    call = np.where(over, CODES[Call.INCONCLUSIVE], CODES[Call.HOLD])
    call = np.where(found.passed.all(axis=1), np.where(last, CODES[Call.PASS], CODES[Call.ADVANCE]), call)
    call = np.where(asks, CODES[Call.ASK], call)
    call = np.where(rollback, CODES[Call.ROLLBACK], call)
    return np.where(ledger.stage == BEFORE, CODES[Call.HOLD], call)


def _log_sum(logs: Floats) -> Floats:
    """Logarithm of the sum of `exp(logs)` over the last axis; -inf where all of them are."""
    return log_weighted_mean(logs, np.ones(logs.shape[-1])) + math.log(logs.shape[-1])
