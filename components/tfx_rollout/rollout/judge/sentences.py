"""Sentences for a person: what a test has counted, and how long something still takes."""

from __future__ import annotations

from tfx_rollout.analysis import Table, TestEvidence
from tfx_rollout.rollout.plan import Plan


def event(plan: Plan, metric: str, test: TestEvidence) -> str:
    """What a test has counted, as a sentence without its full stop."""
    if metric == "errors":
        return failures(plan, test.counts)
    if metric == "latency":
        return f"The canary {slow(plan, test)} ({test.name})"
    if metric == "predictions":
        return drift(test)
    if metric == "accuracy":
        return wrong_pairs(test.counts) if test.name == "pairs" else wrong(test.counts)
    return beyond_limit(plan, test)


def failures(plan: Plan, counts: Table) -> str:
    """Failures of the two tracks."""
    of = "users" if plan.unit == "user" else "requests"
    return (
        f"The canary failed {counts.canary_bad:,} of {counts.canary:,} {of} ({percent(counts.canary_bad, counts.canary)}), "
        f"stable {counts.stable_bad:,} of {counts.stable:,} ({percent(counts.stable_bad, counts.stable)})"
    )


def slow(plan: Plan, test: TestEvidence) -> str:
    """Slow answers of the two tracks, without the subject."""
    counts, of = test.counts, "users" if plan.unit == "user" else "requests"
    canary_ms, stable_ms = (
        "" if limit is None else f" (now {limit:.3g} ms)" for limit in (test.canary_limit_ms, test.stable_limit_ms)
    )
    return (
        f"took longer than its limit{canary_ms} for {counts.canary_bad:,} of {counts.canary:,} {of}, "
        f"stable longer than its own{stable_ms} for {counts.stable_bad:,} of {counts.stable:,}"
    )


def drift(test: TestEvidence) -> str:
    """How often a bin was predicted: "class 3 went from 10 % to 21 %"."""
    counts, what = test.counts, test.name.rsplit(" ", 1)[0]
    return (
        f"{what[0].upper()}{what[1:]} went from {percent(counts.stable_bad, counts.stable)} of stable's {counts.stable:,} "
        f"predictions to {percent(counts.canary_bad, counts.canary)} of the canary's {counts.canary:,}"
    )


def wrong(counts: Table) -> str:
    """Wrong predictions among those with labels."""
    return (
        f"The canary was wrong in {counts.canary_bad:,} of {counts.canary:,} predictions with labels "
        f"({percent(counts.canary_bad, counts.canary)}), stable in {counts.stable_bad:,} of {counts.stable:,} "
        f"({percent(counts.stable_bad, counts.stable)})"
    )


def wrong_pairs(counts: Table) -> str:
    """Copied requests with labels on which the two versions were not alike."""
    return (
        f"Of {counts.canary:,} copied requests with labels the canary alone was wrong on {counts.canary_bad:,}, "
        f"stable alone on {counts.stable_bad:,}"
    )


def beyond_limit(plan: Plan, test: TestEvidence) -> str:
    """How often the canary was beyond an absolute limit of the plan."""
    bad, trials, limits = test.counts.canary_bad, test.counts.canary, plan.limits
    found = f"{bad:,} of {trials:,}"
    if test.name == "failure_rate":
        allowed = f"at most {100 * (limits.failure_rate or 0):g} % are allowed"
        return f"The canary failed {found} requests ({percent(bad, trials)}; {allowed})"
    if test.name == "p99_ms":
        allowed = "at most 1 % are allowed"
        return f"The canary took longer than {limits.p99_ms:g} ms for {found} requests ({percent(bad, trials)}; {allowed})"
    return (
        f"The canary answered less than its share of {limits.throughput_rps:g} requests a second in {found} windows in which "
        f"it was asked for as much ({percent(bad, trials)}; at most 5 % are allowed)"
    )


def percent(part: float, whole: float) -> str:
    """A share in per cent, three digits at most."""
    return f"{100 * part / whole if whole else 0:.3g} %"


def number(value: float) -> str:
    """A number for a sentence: three digits, and no more than a person takes in."""
    if value >= 1e6:
        return f"{value:.1e}".replace("e+", "e")
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def duration(seconds: float) -> str:
    """A length of time as people say it: "40 seconds", "4 minutes", "3 hours"."""
    for unit, length, most in (("second", 1, 90), ("minute", 60, 90), ("hour", 3600, 48), ("day", 86_400, None)):
        amount = max(1, round(seconds / length))
        if most is None or amount <= most:
            return f"{amount} {unit}{'' if amount == 1 else 's'}"
    raise AssertionError("unreachable: days have no end")


def names(items: list[str]) -> str:
    """A list as people say it: "errors", "errors and latency"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
