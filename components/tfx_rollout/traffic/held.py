"""What is held beside the tracks: versions that were loaded, pins and aliases. Pure.

Who moves traffic and who changes what is held may do so at once, and both are in the right. As with two who edit one text, what
each has changed since the state that both began from is put together: labels, split and topology are the one's,
pins, aliases and loaded versions the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tfx_rollout.traffic.desired import DesiredState


def arranged(
    state: DesiredState,
    *,
    loaded: Iterable[int] | None = None,
    pinned: Iterable[int] | None = None,
    aliases: Mapping[str, int] | None = None,
) -> DesiredState:
    """The state with these versions loaded, pinned and named; what is left out stays as it is."""
    by_hand = state.loaded if loaded is None else frozenset(loaded)
    now_pinned = tuple(state.pinned if pinned is None else pinned)
    now_aliases = dict(state.aliases if aliases is None else aliases)
    held = {*by_hand, *state.labels.values(), *now_pinned, *now_aliases.values()}
    return state.change(versions=tuple(held), pinned=now_pinned, aliases=now_aliases)


def same_traffic(one: DesiredState, other: DesiredState) -> bool:
    """Whether two states differ at most in what is held beside the tracks, by whom and why they were asked for, and when."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("model", "labels", "split", "topology", "mirror", "sticky")
    )


def with_held_changes(state: DesiredState, since: DesiredState, now: DesiredState) -> DesiredState:
    """The state, with what was changed of what is held from `since` to `now`, two states of the same traffic.

    `state` and `since` have the same pins and aliases, which those who move traffic leave alone. Of the loaded versions they
    may have let some go: these stay gone, unless they were pinned or named meanwhile.
    """
    loaded = state.loaded - (since.loaded - now.loaded) | (now.loaded - since.loaded)
    return arranged(state, loaded=loaded, pinned=now.pinned, aliases=now.aliases)


def rebased(wanted: DesiredState, since: DesiredState, found: DesiredState) -> DesiredState | None:
    """What to want instead of `wanted`, since somebody else wrote `found`; None where that moves traffic.

    `since` is the last state that was there before the others': `wanted` itself where it was written, so that what was found
    holds all of it; else the one that it was to follow, so that it is wanted as before, after what was found.
    """
    if not same_traffic(since, found):
        return None
    if since == wanted:
        return found
    return with_held_changes(wanted, since, found).change(generation=found.generation + 1)
