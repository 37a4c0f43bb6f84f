"""The desired states that an A/B test asks for, each from what was desired when it began. Pure.

Of the versions that the operator holds beside the labels', all stay through a test. A promotion keeps the pinned ones and those
that aliases name.
"""

from __future__ import annotations

from collections.abc import Mapping

from tfx_rollout.rollout.desired_states import promoted as promoted_by_rollout
from tfx_rollout.traffic import LABEL_OF, Cause, DesiredState, Split, Sticky, Track


def with_variants(
    before: DesiredState, variants: Mapping[Track, int | None], split: Split, cause: Cause, *, sticky: Sticky
) -> DesiredState:
    """The variants beside what was there, with this split: 0 % while they load, then their shares.

    None for a variant that was dropped: its label names the live version from then on. So its track stays, without
    a share, and with it the gateway's places for all tracks, or the users of the others would be drawn anew.
    """
    base = without_variants(before)
    named = {track: version or base.stable for track, version in variants.items()}
    return base.change(
        versions=(*base.versions, *filter(None, variants.values())),
        labels={**base.labels, **{LABEL_OF[track]: version for track, version in named.items() if version}},
        split=split,
        sticky=sticky,
        cause=cause,
    )


def without_variants(desired: DesiredState) -> DesiredState:
    """The state with stable (and previous) only: where a test starts from, and returns to."""
    if not desired.variants:
        return desired
    labels = {label: version for label, version in desired.labels.items() if label not in map(LABEL_OF.get, desired.variants)}
    gone = set(desired.variants.values()) - {*labels.values(), *desired.kept}
    versions = tuple(version for version in desired.versions if version not in gone)
    return desired.change(labels=labels, versions=versions, split=Split())


def restored(before: DesiredState, cause: Cause) -> DesiredState:
    """Exactly what was before the test."""
    return without_variants(before).change(cause=cause)


def promoted(before: DesiredState, version: int, cause: Cause) -> DesiredState:
    """A variant's version live for everybody, the one before it loaded for an instant return."""
    return promoted_by_rollout(without_variants(before), version, keep_previous=True, cause=cause)
