"""Figures as the page says them. All round; the page keeps the exact value beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

_GAP = "\u00a0"
"""Between figure and unit: no line breaks there."""


def words(name: str) -> str:
    """`rolled_back` as `rolled back`."""
    return name.replace("_", " ")


def integer(value: float) -> str:
    """A count, its thousands apart."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """A share (0 to 1) with up to three digits."""
    return f"{100 * share:.3g}{_GAP}%" if abs(share) < 0.9995 else f"{100 * share:.4g}{_GAP}%"


def milliseconds(value: float) -> str:
    """A latency with up to three digits."""
    return f"{value:,.0f}{_GAP}ms" if value >= 100 else f"{value:.3g}{_GAP}ms"


def evidence(value: float) -> str:
    """An e-value: three digits, and a power of ten where a person could not take in more."""
    if value and (value >= 1e6 or value < 1e-3):
        return f"{value:.1e}".replace("e+", "e")
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """`8 s`, `12 min 5 s`, `3 h 20 min`."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock(at: float) -> str:
    """Date and time of the day, UTC."""
    return _utc(at).strftime("%m-%d %H:%M:%S")


def iso(at: float) -> str:
    """A time as machines read it."""
    return _utc(at).isoformat()


def stage_name(stage: Mapping[str, Any]) -> str:
    """What a stage does with the traffic."""
    share = percent(stage["share"])
    return {
        "shadow": f"shadow, copies of {percent(stage['mirror'])}",
        "header": "by header only",
        "bake": f"bake at {share}",
    }.get(stage["kind"], share)


def compared(test: Mapping[str, Any]) -> str:
    """What one test compared: bad events of the two tracks, from which latency on an answer was slow, and the odds ratio."""
    canary_bad, canary, stable_bad, stable = test["counts"]
    said = []
    for side, bad, total in (("stable", stable_bad, stable), ("canary", canary_bad, canary)):
        if total:
            limit = test.get(f"{side}_limit_ms")
            slower = f" slower than {milliseconds(limit)}" if limit else ""
            said.append(f"{side} {bad:,} of {total:,}{slower} ({percent(bad / total)})")
    if "odds_ratio" in test:
        said.append(odds_ratio(*test["odds_ratio"]))
    return ", ".join(said) or "nothing to compare"


def odds_ratio(low: float, high: float | None) -> str:
    """An interval of odds ratios, canary to stable; `high` None where it has no upper end."""
    return f"odds ratio {low:.3g} or more" if high is None else f"odds ratio {low:.3g} to {high:.3g}"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


FILTERS: dict[str, Callable[..., str]] = {
    "words": words,
    "integer": integer,
    "percent": percent,
    "ms": milliseconds,
    "evidence": evidence,
    "duration": duration,
    "clock": clock,
    "iso": iso,
    "stage_name": stage_name,
    "compared": compared,
}
"""By the names that the template uses."""
