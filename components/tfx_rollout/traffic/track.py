"""The fixed vocabulary of traffic: tracks and labels."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Track(str, Enum):
    """A destination of traffic, as gateway, evidence and reports name it."""

    STABLE = "stable"
    """The live version; in an A/B test it is arm A."""
    CANARY = "canary"
    SHADOW = "shadow"
    """Mirrored copies, whose answers no client sees."""
    PINNED = "pinned"
    """The client named a version or a label itself; never evidence."""
    VARIANT_B = "variant-b"
    """The second arm of an A/B test; the others follow."""
    VARIANT_C = "variant-c"
    VARIANT_D = "variant-d"
    VARIANT_E = "variant-e"
    VARIANT_F = "variant-f"

    def __str__(self) -> str:
        return self.value


class Label(str, Enum):
    """TensorFlow Serving's `version_labels` that this project sets."""

    STABLE = "stable"
    CANARY = "canary"
    PREVIOUS = "previous"
    """The version that was stable before, kept loaded for an instant return."""
    VARIANT_B = "variant-b"
    VARIANT_C = "variant-c"
    VARIANT_D = "variant-d"
    VARIANT_E = "variant-e"
    VARIANT_F = "variant-f"

    def __str__(self) -> str:
        return self.value


VARIANTS = (Track.VARIANT_B, Track.VARIANT_C, Track.VARIANT_D, Track.VARIANT_E, Track.VARIANT_F)
"""The tracks of an A/B test beside stable, in their order."""

WEIGHTED = (Track.STABLE, Track.CANARY, *VARIANTS)
"""The tracks that can have a share of the split."""

LABEL_OF: Mapping[Track, Label] = MappingProxyType(
    {**{track: Label(track.value) for track in WEIGHTED}, Track.SHADOW: Label.CANARY}
)
"""The label by which each track asks its server; the client of a pinned call names its own."""

VARIANT_LABELS = tuple(LABEL_OF[track] for track in VARIANTS)
"""The labels of the variants, in their order."""


def label_named(name: str) -> str:
    """The label of this name: one of the project's own (a `Label`, which equals its name), else an alias."""
    return Label(name) if name in _PROJECT_LABELS else name


_PROJECT_LABELS = frozenset(label.value for label in Label)
