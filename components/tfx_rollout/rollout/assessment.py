"""From the evidence to the verdict: what the numbers say, and the sentences for a person.

A function of plan and state alone, so a state that is read back gives the same verdict again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from tfx_rollout.analysis import (
    GATED,
    MIN_BASELINE,
    QUANTILES,
    GateEvidence,
    MetricEvidence,
    Table,
    TestEvidence,
    canary_limit_us,
    e_value,
    log_mean,
    max_slow_rate,
)
from tfx_rollout.rollout.judge_state import BEFORE, JudgeState
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.verdict import Call, Verdict

BURST = 1000.0
"""Evidence that exceeds the threshold this many times rolls back even when it comes from one window."""

MIN_RAISING_WINDOWS = 2
"""Windows that the deciding evidence must come from otherwise: one correlated burst is no regression."""


def log_e_values(state: JudgeState) -> dict[str, float]:
    """Logarithm of each metric's e-value; that of latency is the mean over its quantiles."""
    return {
        "errors": state.errors.log_e_value,
        "latency": log_mean([evidence.log_e_value for evidence in state.latency]),
    }


def assess(plan: Plan, state: JudgeState) -> Verdict:
    """The verdict on a state."""
    logs, weights = log_e_values(state), {"errors": plan.errors.weight, "latency": plan.latency.weight}
    log_evidence = log_mean(list(logs.values()), [weights[name] for name in logs])
    threshold = plan.rollback_threshold(state.attempt)
    metrics = {name: _metric(plan, state, name, logs[name], weights[name]) for name in logs if weights[name] > 0}
    gates = _gates(plan, state, log_evidence, threshold) if state.stage != BEFORE else {}
    call, reasons = _call(plan, state, log_evidence, threshold, metrics, gates)
    return Verdict(call, reasons, e_value(log_evidence), threshold, metrics, gates)


def _call(
    plan: Plan,
    state: JudgeState,
    log_evidence: float,
    threshold: float,
    metrics: Mapping[str, MetricEvidence],
    gates: Mapping[str, GateEvidence],
) -> tuple[Call, tuple[str, ...]]:
    leading = max(metrics.values(), key=lambda metric: metric.weight * metric.e_value)
    against = (
        f"{_bad_events(leading)}: the evidence against it is {_number(e_value(log_evidence))} "
        f"(from {_number(threshold)} on it is rolled back), raised in {leading.raised_in} of {leading.windows} windows."
    )
    if log_evidence >= math.log(threshold):
        if leading.raised_in >= MIN_RAISING_WINDOWS or log_evidence >= math.log(threshold * BURST):
            return Call.ROLLBACK, (against,)
        return Call.HOLD, (f"{against} All of it comes from one window, which may be a burst: another one has to confirm it.",)
    if state.stage == BEFORE:
        return Call.HOLD, ("No stage is open yet: the windows so far only show how fast the stable version is.",)
    stage = f"Stage {state.stage + 1} of {len(plan.stages)} ({100 * plan.stages[state.stage].share:g} % of the traffic)"
    missing = [gate.sentence for gate in gates.values() if not gate.passed]
    if not missing:
        passed = (f"{stage} has passed.", *(gate.sentence for gate in gates.values()))
        return (Call.PASS if state.stage == len(plan.stages) - 1 else Call.ADVANCE), passed
    most = plan.stages[state.stage].max_seconds
    if state.ended_at - state.opened_at >= most:
        return Call.INCONCLUSIVE, (f"{stage} has had its {most:g} s and is still undecided.", *missing)
    return Call.HOLD, (f"{stage} goes on.", *missing)


def _metric(plan: Plan, state: JudgeState, name: str, log: float, weight: float) -> MetricEvidence:
    if name == "errors":
        tests = [TestEvidence("errors", e_value(state.errors.log_e_value), state.errors.counts)]
    else:
        tests = []
        for i, (quantile, evidence) in enumerate(zip(QUANTILES, state.latency, strict=True)):
            limit = state.limits_us[i] if state.limits_us else None
            own = None if limit is None else canary_limit_us(limit, plan.latency.ratio, plan.latency.slack_ms)
            tests.append(
                TestEvidence(
                    _quantile_name(quantile),
                    e_value(evidence.log_e_value),
                    evidence.counts,
                    None if limit is None else limit / 1000,
                    None if own is None else own / 1000,
                )
            )
    return MetricEvidence(name, weight, e_value(log), state.windows, state.raised[name], tuple(tests))


def _gates(plan: Plan, state: JudgeState, log_evidence: float, threshold: float) -> dict[str, GateEvidence]:
    """What has to be so for the present stage to pass, floors first."""
    stage, counts = plan.stages[state.stage], state.error_gate.counts
    needed = 1 / plan.beta
    elapsed = max(0.0, state.ended_at - state.opened_at)
    gates = [
        _gate("time", elapsed, stage.min_seconds, "It has run for {value} s of at least {needed} s."),
        _gate("windows", state.stage_windows, plan.min_windows, "{value} of at least {needed} windows were judged."),
        _gate("requests", counts.canary, plan.min_requests, "The canary got {value} of at least {needed} requests."),
    ]
    suspicion, limit = e_value(log_evidence), math.sqrt(threshold)
    gates.append(
        GateEvidence(
            "suspicion",
            suspicion < limit,
            suspicion,
            limit,
            f"The evidence against the canary is {_number(suspicion)}; it passes only below {_number(limit)}, half-way "
            "(as a logarithm) to a rollback.",
        )
    )
    if plan.errors.weight:
        value = e_value(state.error_gate.log_joint(stage.bad_odds_ratio, stage.max_failure_rate))
        gates.append(
            _gate(
                "errors",
                value,
                needed,
                f"In this stage the canary failed {_of(counts.canary_bad, counts.canary)} and stable "
                f"{_of(counts.stable_bad, counts.stable)}: evidence {{value}} of {{needed}} that it is not bad (a failure rate "
                f"of {100 * stage.max_failure_rate:g} % or more and {stage.bad_odds_ratio:g} times the odds of stable).",
            )
        )
    if plan.latency.weight:
        for quantile, gate in zip(GATED, state.latency_gates, strict=True):
            slow_rate, name = max_slow_rate(quantile, stage.bad_odds_ratio), _quantile_name(quantile)
            value = e_value(gate.log_joint(stage.bad_odds_ratio, slow_rate))
            if state.limits_us:
                limit = state.limits_us[QUANTILES.index(quantile)]
                own = canary_limit_us(limit, plan.latency.ratio, plan.latency.slack_ms)
                said = f"In this stage the canary {_slow_events(gate.counts, limit / 1000, own / 1000)}"
            else:
                said = (
                    f"Stable has answered {state.stable_latency.total} of the {MIN_BASELINE} requests that limits are taken from"
                )
            sentence = (
                f"{said}: evidence {{value}} of {{needed}} that it is not slow ({name}: {100 * slow_rate:.2g} % of its "
                f"answers or more and {stage.bad_odds_ratio:g} times the odds of stable)."
            )
            gates.append(_gate(f"latency {name}", value, needed, sentence))
    return {gate.name: gate for gate in gates}


def _gate(name: str, value: float, needed: float, sentence: str) -> GateEvidence:
    return GateEvidence(name, value >= needed, value, needed, sentence.format(value=_number(value), needed=_number(needed)))


def _bad_events(metric: MetricEvidence) -> str:
    test = max(metric.tests, key=lambda t: t.e_value)
    if test.stable_limit_ms is None or test.canary_limit_ms is None:
        counts = test.counts
        return f"The canary failed {_of(counts.canary_bad, counts.canary)}, stable {_of(counts.stable_bad, counts.stable)}"
    return f"The canary {_slow_events(test.counts, test.stable_limit_ms, test.canary_limit_ms)} ({test.name})"


def _slow_events(counts: Table, stable_ms: float, canary_ms: float) -> str:
    return (
        f"took longer than its limit (now {canary_ms:.3g} ms) for {_of(counts.canary_bad, counts.canary)}, "
        f"stable longer than its own (now {stable_ms:.3g} ms) for {_of(counts.stable_bad, counts.stable)}"
    )


def _quantile_name(quantile: float) -> str:
    return f"p{100 * quantile:g}"


def _of(bad: int, requests: int) -> str:
    return f"{bad:,} of {requests:,} requests"


def _number(value: float) -> str:
    """A number for a sentence: three digits, and no more than a person takes in."""
    if value >= 1e6:
        return f"{value:.1e}".replace("e+", "e")
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
