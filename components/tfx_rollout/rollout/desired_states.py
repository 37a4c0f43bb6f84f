"""The desired states that a rollout asks for, each from what was desired when it began. Pure.

Of the versions that the operator holds beside the labels', all stay through a rollout and its
rollback. A promotion keeps the pinned ones and those that aliases name; a version that was
only loaded (held, neither labelled nor pinned nor named by an alias) is let go by it.
"""

from __future__ import annotations

from tfx_rollout.rollout.plan import Plan, Stage
from tfx_rollout.traffic import FULL, Cause, DesiredState, Label, Split, Sticky


def without_canary(desired: DesiredState) -> DesiredState:
    """The state with stable (and previous) only: where a rollout starts from, and returns to."""
    if desired.canary is None:
        return desired
    labels = {label: version for label, version in desired.labels.items() if label is not Label.CANARY}
    versions = tuple(v for v in desired.versions if v != desired.canary or v in (*labels.values(), *desired.kept))
    return desired.change(labels=labels, versions=versions, split=Split(), mirror=0)


def canary_at(
    before: DesiredState, candidate: int, split: Split, cause: Cause, *, mirror: int = 0, sticky: Sticky | None = None
) -> DesiredState:
    """The candidate beside what was there, with this split: 0 % while it loads, then a stage's.

    `mirror` in units of 0.01 % of the requests; `sticky` while users are assigned, else as it was before.
    """
    base = without_canary(before)
    return base.change(
        versions=(*base.versions, candidate),
        labels={**base.labels, Label.CANARY: candidate},
        split=split,
        mirror=mirror,
        sticky=sticky or base.sticky,
        cause=cause,
    )


def in_stage(before: DesiredState, candidate: int, stage: Stage, cause: Cause, *, sticky: Sticky | None) -> DesiredState:
    """The candidate as a stage has it: at its share, with copies of requests, or for those alone who ask for it."""
    return canary_at(before, candidate, stage.split, cause, mirror=round(stage.mirror * FULL), sticky=sticky)


def assignment(plan: Plan, rollout: str) -> Sticky | None:
    """How requests are assigned during a rollout: by user, where the plan says so, and anew in every rollout."""
    return None if plan.unit_header is None else Sticky(plan.unit_header, salt=rollout)


def next_step_back(plan: Plan, split: Split) -> Split | None:
    """The next lower share on the plan's way back; None where none is left, and stable gets everything."""
    lower = [split_then for share in plan.step_back.shares if (split_then := Split.of(share)).canary < split.canary]
    return lower[0] if lower else None


def promoted(before: DesiredState, candidate: int, *, keep_previous: bool, cause: Cause) -> DesiredState:
    """The candidate live for everybody; the version before it loaded for an instant return, if it is to be kept.

    A first version has none before it: promoting it only confirms what is live. Versions that
    were only loaded are let go.
    """
    labels = {Label.STABLE: candidate}
    if keep_previous and before.stable is not None:
        labels[Label.PREVIOUS] = before.stable
    versions = (*labels.values(), *before.kept)
    return without_canary(before).change(versions=versions, labels=labels, split=Split(), cause=cause)


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
