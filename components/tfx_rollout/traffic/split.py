"""The split: which share of the requests each track gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tfx_rollout.errors import InvalidInput
from tfx_rollout.traffic.track import VARIANTS, WEIGHTED, Track

FULL = 10_000
"""All traffic, in units of 0.01 %: Envoy's weights with a constant total."""


@dataclass(frozen=True)
class Split:
    """Shares of the weighted tracks, `stable`, `canary` and the variants, in units of 0.01 %, adding up to `FULL`.

    `stable` is not stored: it is what remains, so the shares cannot fail to add up. A
    variant of 0 units is the same as none.
    """

    canary: int = 0
    variants: Mapping[Track, int] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.canary, int) or not 0 <= self.canary <= FULL:
            raise InvalidInput(f"A canary share of {self.canary!r} units is not an integer from 0 to {FULL} (units of 0.01 %).")
        unknown = [track for track in self.variants if track not in VARIANTS]
        if unknown:
            raise InvalidInput(f"{', '.join(map(str, unknown))} is no variant; the variants are {', '.join(map(str, VARIANTS))}.")
        for track, units in self.variants.items():
            if not isinstance(units, int) or not 0 <= units <= FULL:
                raise InvalidInput(
                    f"A share of {units!r} units for {track} is not an integer from 0 to {FULL} (units of 0.01 %)."
                )
        kept = {track: units for track in VARIANTS if (units := self.variants.get(track, 0))}
        object.__setattr__(self, "variants", kept)
        if self.stable < 0:
            raise InvalidInput(f"The shares of canary and variants are {FULL - self.stable} units together, more than {FULL}.")

    @classmethod
    def of(cls, canary_share: float) -> Split:
        """The split with this share (0 to 1) on the canary, rounded to 0.01 %."""
        return cls(round(canary_share * FULL))

    @classmethod
    def among(cls, variant_shares: Mapping[Track, float]) -> Split:
        """The split with these shares (0 to 1) on variants, each rounded to 0.01 %; the rest stays with stable."""
        return cls(variants={track: round(share * FULL) for track, share in variant_shares.items()})

    @property
    def stable(self) -> int:
        """Units left for the stable track."""
        return FULL - self.canary - sum(self.variants.values())

    def units(self, track: Track) -> int:
        """Units of one track; 0 for those that are not weighted (`shadow`, `pinned`)."""
        if track in self.variants:
            return self.variants[track]
        return {Track.STABLE: self.stable, Track.CANARY: self.canary}.get(track, 0)

    def share(self, track: Track) -> float:
        """Share of one track, 0 to 1."""
        return self.units(track) / FULL

    def only(self, tracks: frozenset[Track] | set[Track]) -> Split:
        """The split with the shares of these tracks alone; what others had goes to stable."""
        return Split(
            self.canary if Track.CANARY in tracks else 0, {track: n for track, n in self.variants.items() if track in tracks}
        )

    def to_json(self) -> dict[str, int]:
        shares = {"stable": self.stable, "canary": self.canary}
        return {**shares, **{track.value: units for track, units in self.variants.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Split:
        variants = {track: data[track.value] for track in VARIANTS if track.value in data}
        split = cls(data["canary"], variants)
        if data.get("stable", split.stable) != split.stable:
            raise InvalidInput(f"The shares {dict(data)} do not add up to {FULL} units.")
        return split

    def __str__(self) -> str:
        """In percent; the canary is named also where it has none, unless the split is among variants."""
        named = [track for track in WEIGHTED if track is Track.STABLE or self.units(track)]
        if not self.variants and not self.canary:
            named.append(Track.CANARY)
        return " · ".join(f"{track} {self.units(track) / 100:g} %" for track in named)
