"""What the tests, gates and guards of one rollout have found: the numbers of a verdict, each with its sentence."""

from __future__ import annotations

import math
from functools import lru_cache

from tfx_rollout.analysis import (
    GATED,
    MIN_BASELINE,
    QUANTILES,
    GateEvidence,
    GuardEvidence,
    MetricEvidence,
    Table,
    TestEvidence,
    canary_limit_us,
    e_value,
)
from tfx_rollout.evidence.histogram import upper_us
from tfx_rollout.rollout.judge import sentences
from tfx_rollout.rollout.judge.baselines import MIN_LABELS
from tfx_rollout.rollout.judge.calls import Calls
from tfx_rollout.rollout.judge.guards import GUARD_THRESHOLD, GUARDS
from tfx_rollout.rollout.judge.layout import EVIDENCE_GATES, GATES, Layout
from tfx_rollout.rollout.judge.sentences import number, percent
from tfx_rollout.rollout.judge.state import JudgeState
from tfx_rollout.rollout.plan import LatencyTest


def metrics(columns: Layout, state: JudgeState) -> dict[str, MetricEvidence]:
    """The evidence of each metric that counts, by name."""
    row = state.ledger
    logs, counts = row.log_tests[0].tolist(), row.counts[0].tolist()
    log_metrics, raised = row.log_metrics[0].tolist(), row.raised[0].tolist()
    found = {}
    for i, metric in enumerate(columns.metrics):
        own = columns.columns[metric]
        tests = tuple(_tests(columns, state, metric, logs[own], counts[own]))
        weight, windows = float(columns.weights[i]), int(row.windows[0])
        found[metric] = MetricEvidence(metric, weight, e_value(log_metrics[i]), windows, raised[i], tests)
    return found


def _tests(columns: Layout, state: JudgeState, metric: str, logs: list[float], counts: list[list[int]]) -> list[TestEvidence]:
    row, values = state.ledger, [_short(log) for log in logs]
    if metric == "latency":
        limits = [_limits_ms(columns.plan.latency, bucket) for bucket in row.limit_buckets[0].tolist()]
        return [TestEvidence(_p(q), values[i], Table(*counts[i]), *limits[i]) for i, q in enumerate(QUANTILES)]
    if metric == "predictions":
        names, most = [state.bins.label(i) for i in range(int(row.bins[0]))], columns.bins
        up = [TestEvidence(f"{name} up", values[i], Table(*counts[i])) for i, name in enumerate(names)]
        return up + [TestEvidence(f"{name} down", values[most + i], _swapped(*counts[most + i])) for i, name in enumerate(names)]
    if metric == "accuracy":
        tests = [TestEvidence("labels", values[0], Table(*counts[0]))]
        if columns.paired:
            worse, same, better = row.pairs[0].tolist()
            pairs = worse + same + better
            tests.append(TestEvidence("pairs", _short(float(row.log_tests[0, -1])), Table(worse, pairs, better, pairs)))
        return tests
    names = list(columns.limits) if metric == "limits" else ["errors"]
    return [TestEvidence(name, value, Table(*table)) for name, value, table in zip(names, values, counts, strict=True)]


def _short(log: float) -> float:
    """An e-value for people: six digits."""
    return float(f"{e_value(log):.6g}")


@lru_cache(maxsize=1024)
def _limits_ms(test: LatencyTest, bucket: int) -> tuple[float | None, float | None]:
    if bucket < 0:
        return None, None
    stable = upper_us(bucket)
    return stable / 1000, float(canary_limit_us(stable, test.ratio, test.slack_ms)) / 1000


def _swapped(stable_bad: int, stable: int, canary_bad: int, canary: int) -> Table:
    return Table(canary_bad, canary, stable_bad, stable)


def gates(columns: Layout, state: JudgeState, calls: Calls) -> dict[str, GateEvidence]:
    """The gates of the open stage, by name, floors first."""
    row, plan = state.ledger, columns.plan
    stage = plan.stages[state.stage]
    elapsed, suspicion = float(calls.gates.elapsed[0]), e_value(float(calls.log_suspicion[0]))
    limit, rates = math.exp(calls.log_threshold / 2), calls.gates.rates[0].tolist()
    amounts = {
        "time": (elapsed, stage.min_seconds, "It has run for {value} s of at least {needed} s."),
        "windows": (int(row.stage_windows[0]), plan.min_windows, "{value} of at least {needed} windows were judged."),
        "requests": (int(row.stage_requests[0]), plan.min_requests, "The canary got {value} of at least {needed} requests."),
        "suspicion": (
            suspicion,
            limit,
            "The strongest evidence of a single metric against the canary is {value}; it passes only below {needed}, half-way "
            "(as a logarithm) to a rollback.",
        ),
    }
    found = {}
    for i, name in enumerate(GATES):
        if not calls.gates.asked[0, i]:
            continue
        if name in amounts:
            value, needed, sentence = amounts[name]
        else:
            value, needed = e_value(float(calls.gates.logs[0, EVIDENCE_GATES.index(name)])), 1 / plan.beta
            sentence = _evidence(columns, state, name, rates[EVIDENCE_GATES.index(name)])
        sentence = sentence.format(value=number(value), needed=number(needed))
        found[name] = GateEvidence(name, bool(calls.gates.passed[0, i]), value, needed, sentence)
    return found


def _evidence(columns: Layout, state: JudgeState, name: str, rate: float) -> str:
    """What a gate of evidence has counted and asks for, with places for the two numbers."""
    row, plan, column = state.ledger, columns.plan, EVIDENCE_GATES.index(name)
    counts = Table(*row.gate_counts[0, column].tolist())
    odds = f"{float(columns.stages.margins[state.stage, column]):.3g} times the odds of stable"
    bad = f"{100 * rate:.2g} %"
    if name == "errors":
        said = f"In this stage {_lower(sentences.failures(plan, counts))}"
        return f"{said}: evidence {{value}} of {{needed}} that it is not bad (a failure rate of {bad} or more and {odds})."
    if name == "accuracy":
        if math.isnan(row.wrong_share[0]):
            labelled = int(row.baseline_labels[0, 1])
            said = f"Stable has {labelled} of the {MIN_LABELS} labels that its accuracy is taken from"
        else:
            said = f"In this stage {_lower(sentences.wrong(counts))}"
        return f"{said}: evidence {{value}} of {{needed}} that it is not bad ({bad} wrong or more and {odds})."
    quantile = GATED[column - 1]
    bucket = int(row.limit_buckets[0, QUANTILES.index(quantile)])
    if bucket < 0:
        answers = int(row.stable_latency[0].sum())
        said = f"Stable has answered {answers} of the {MIN_BASELINE} requests that limits are taken from"
    else:
        test = TestEvidence(name, 1.0, counts, *_limits_ms(plan.latency, bucket))
        said = f"In this stage the canary {sentences.slow(plan, test)}"
    of_answers = f"{_p(quantile)}: {bad} of its answers or more and {odds}"
    return f"{said}: evidence {{value}} of {{needed}} that it is not slow ({of_answers})."


def guards(state: JudgeState, calls: Calls) -> dict[str, GuardEvidence]:
    """The guards that have seen anything, by name."""
    canary, total, due = state.ledger.split_counts[0].tolist()
    missing = Table(*state.ledger.coverage_counts[0].tolist())
    said = {
        "split": f"The canary got {canary:,.0f} of {total:,.0f} requests ({percent(canary, total)}), "
        f"but should have had {due:,.0f} ({percent(due, total)})",
        "labels": f"Labels are missing for {missing.canary_bad:,} of the canary's {missing.canary:,} predictions "
        f"({percent(missing.canary_bad, missing.canary)}) and for {missing.stable_bad:,} of stable's {missing.stable:,} "
        f"({percent(missing.stable_bad, missing.stable)})",
    }
    seen = {"split": total > 0, "labels": missing.requests > 0}
    found = {}
    for i, name in enumerate(GUARDS):
        if seen[name]:
            value = e_value(float(calls.log_guards[0, i]))
            sentence = f"{said[name]}: evidence {number(value)} of {number(GUARD_THRESHOLD)} that the tracks cannot be compared."
            found[name] = GuardEvidence(name, value >= GUARD_THRESHOLD, value, GUARD_THRESHOLD, sentence)
    return found


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _p(quantile: float) -> str:
    return f"p{100 * quantile:g}"
