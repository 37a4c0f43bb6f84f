"""The desired states that a rollout asks for, each from what was desired when it began. Pure."""

from __future__ import annotations

from tfx_rollout.traffic import Cause, DesiredState, Label, Split


def without_canary(desired: DesiredState) -> DesiredState:
    """The state with stable (and previous) only: where a rollout starts from, and returns to."""
    if desired.canary is None:
        return desired
    labels = {label: version for label, version in desired.labels.items() if label is not Label.CANARY}
    versions = tuple(v for v in desired.versions if v != desired.canary or v in labels.values())
    return desired.change(labels=labels, versions=versions, split=Split(), mirror=0)


def canary_at(before: DesiredState, candidate: int, split: Split, cause: Cause) -> DesiredState:
    """The candidate beside what was there, with this split: 0 % while it loads, then a stage's."""
    base = without_canary(before)
    return base.change(
        versions=(*base.versions, candidate),
        labels={**base.labels, Label.CANARY: candidate},
        split=split,
        cause=cause,
    )


def promoted(before: DesiredState, candidate: int, *, keep_previous: bool, cause: Cause) -> DesiredState:
    """The candidate live for everybody; the version before it loaded for an instant return, if it is to be kept.

    A first version has none before it: promoting it only confirms what is live.
    """
    labels = {Label.STABLE: candidate}
    if keep_previous and before.stable is not None:
        labels[Label.PREVIOUS] = before.stable
    return without_canary(before).change(versions=tuple(labels.values()), labels=labels, split=Split(), cause=cause)


def first_release(before: DesiredState, candidate: int, cause: Cause) -> DesiredState:
    """The candidate live for everybody, because nothing was live before it."""
    return promoted(before, candidate, keep_previous=False, cause=cause)


def rolled_back(before: DesiredState, cause: Cause) -> DesiredState:
    """Exactly what was before the rollout; for a first version that is nothing at all."""
    return without_canary(before).change(cause=cause)


def returned_to_previous(desired: DesiredState, cause: Cause) -> DesiredState | None:
    """Stable and previous exchanged, so that one can change one's mind; None where there is no previous version."""
    if desired.previous is None or desired.stable is None:
        return None
    labels = {**desired.labels, Label.STABLE: desired.previous, Label.PREVIOUS: desired.stable}
    return desired.change(labels=labels, cause=cause)
