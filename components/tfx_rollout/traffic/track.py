"""The fixed vocabulary of traffic: tracks and labels."""

from __future__ import annotations

from enum import Enum


class Track(str, Enum):
    """A destination of traffic, as gateway, evidence and reports name it."""

    STABLE = "stable"
    CANARY = "canary"
    SHADOW = "shadow"
    """Mirrored copies, whose answers no client sees."""
    PINNED = "pinned"
    """The client named a version or a label itself; never evidence."""

    def __str__(self) -> str:
        return self.value


class Label(str, Enum):
    """TensorFlow Serving's `version_labels` that this project sets."""

    STABLE = "stable"
    CANARY = "canary"
    PREVIOUS = "previous"
    """The version that was stable before, kept loaded for an instant return."""

    def __str__(self) -> str:
        return self.value
