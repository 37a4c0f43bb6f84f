"""Bars and sparklines, as wide as there is room. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.bar import Bar

TICKS = "▁▂▃▄▅▆▇█"
GAP = " "
"""Where there is nothing to tell."""


def evidence_bar(e_value: float | None, threshold: float, width: int) -> Bar:
    """An e-value on a logarithmic scale from 1, which is no evidence, to `threshold`, which decides."""
    share = evidence_share(e_value, threshold)
    return Bar(1.0, 0.0, share, width=width, color="red" if share >= 1 else "yellow" if share >= 0.5 else "green")


def evidence_share(e_value: float | None, threshold: float) -> float:
    """How far an e-value has come from 1 to the threshold, as a logarithm: 0 to 1."""
    if e_value is None or not e_value > 1:
        return 0.0
    return min(1.0, math.log(e_value) / math.log(threshold)) if threshold > 1 else 1.0


def share_bar(share: float, width: int) -> Bar:
    """A share, 0 to 1."""
    return Bar(1.0, 0.0, min(1.0, max(0.0, share)), width=width, color="cyan")


def sparkline(values: Sequence[float | None], width: int, *, most: float | None = None) -> str:
    """The last `width` values, from 0 to `most` (by default the largest of them) in eight heights."""
    shown = list(values)[-width:] if width > 0 else []
    top = max((value for value in shown if value is not None), default=0.0) if most is None else most
    return "".join(GAP if value is None else _tick(value, top) for value in shown)


def rates(bad: Sequence[float | None], total: Sequence[float | None]) -> list[float | None]:
    """Point by point the share of the bad ones; None where there were none at all."""
    return [None if not n else (b or 0) / n for b, n in zip(bad, total, strict=True)]


def _tick(value: float, top: float) -> str:
    if top <= 0 or value <= 0:
        return TICKS[0]
    return TICKS[min(len(TICKS) - 1, math.ceil(len(TICKS) * value / top) - 1)]
