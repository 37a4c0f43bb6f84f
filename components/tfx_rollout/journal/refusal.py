"""What becomes of an order that cannot be carried out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """An order that does not fit what it is given to, as that stands; `reason` is a sentence."""

    reason: str
