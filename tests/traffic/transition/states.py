"""Desired states in a few words, for the tests of the way from one to another."""

from __future__ import annotations

from tfx_rollout.traffic import LABEL_OF, VARIANTS, DesiredState, Label, Split

BROKEN = 9
"""A version that no server can load."""
B, C = VARIANTS[:2]


def state(stable=None, canary=None, previous=None, share=0.0, topology="dedicated", **more) -> DesiredState:
    labels = {Label.STABLE: stable, Label.CANARY: canary, Label.PREVIOUS: previous}
    labels = {label: version for label, version in labels.items() if version is not None}
    return with_held(DesiredState("m", 0, tuple(labels.values()), labels, Split.of(share), topology), **more)


def experiment(stable, variants, shares=None, **more) -> DesiredState:
    """An A/B test of these variants, in equal parts unless told otherwise."""
    labels = {Label.STABLE: stable, **{LABEL_OF[track]: version for track, version in variants.items()}}
    split = Split.among(shares if shares is not None else dict.fromkeys(variants, 1 / (len(variants) + 1)))
    return with_held(DesiredState("m", 0, tuple(labels.values()), labels, split), **more)


def with_held(desired, pinned=(), aliases=None, loaded=()) -> DesiredState:
    aliases = aliases or {}
    versions = (*desired.versions, *pinned, *aliases.values(), *loaded)
    return desired.change(versions=versions, pinned=pinned, aliases=aliases)
