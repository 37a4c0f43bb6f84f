"""Numbers that JSON does not have: the one place where they become what it has.

Evidence may be infinite, and a figure of nothing is not a number. In documents an infinite number is
the text "Infinity" or "-Infinity" (`Number("Infinity")` and `float("Infinity")` read it back),
and what is not a number is null. A field that must be a number gets the largest there is.
"""

from __future__ import annotations

import math
import sys
from typing import Any


def json_form(value: Any) -> Any:
    """The value with nothing in it that JSON does not have; containers become dicts and lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {str(key): json_form(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_form(inner) for inner in value]
    return value


def finite(number: float) -> float | None:
    """The number, or the largest one of its sign where it is infinite; None where it is none."""
    if math.isnan(number):
        return None
    return max(-sys.float_info.max, min(sys.float_info.max, number))
