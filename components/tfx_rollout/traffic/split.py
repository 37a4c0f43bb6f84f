"""The split: which share of the requests each track gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfx_rollout.errors import InvalidInput
from tfx_rollout.traffic.track import Track

FULL = 10_000
"""All traffic, in units of 0.01 %: Envoy's weights with a constant total."""


@dataclass(frozen=True)
class Split:
    """Shares of the weighted tracks, `stable` and `canary`, in units of 0.01 %, adding up to `FULL`.

    Only `canary` is stored: `stable` is what remains, so the shares cannot fail to add up.
    """

    canary: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.canary, int) or not 0 <= self.canary <= FULL:
            raise InvalidInput(f"A canary share of {self.canary!r} units is not an integer from 0 to {FULL} (units of 0.01 %).")

    @classmethod
    def of(cls, canary_share: float) -> Split:
        """The split with this share (0 to 1) on the canary, rounded to 0.01 %."""
        return cls(round(canary_share * FULL))

    @property
    def stable(self) -> int:
        """Units left for the stable track."""
        return FULL - self.canary

    def units(self, track: Track) -> int:
        """Units of one track; 0 for those that are not weighted (`shadow`, `pinned`)."""
        return {Track.STABLE: self.stable, Track.CANARY: self.canary}.get(track, 0)

    def share(self, track: Track) -> float:
        """Share of one track, 0 to 1."""
        return self.units(track) / FULL

    def to_json(self) -> dict[str, int]:
        return {"stable": self.stable, "canary": self.canary}

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Split:
        split = cls(data["canary"])
        if data.get("stable", split.stable) != split.stable:
            raise InvalidInput(f"The shares {dict(data)} do not add up to {FULL} units.")
        return split

    def __str__(self) -> str:
        return f"stable {self.stable / 100:g} % · canary {self.canary / 100:g} %"
