"""Which part of the draw's range belongs to which track. Pure.

Envoy draws a number below the total of the weights, by chance or from the hash of the sticky
header, and gives the request to the cluster in whose part of the range it lies, the parts
laid end to end. So a user keeps a track exactly while the number of this user stays in a
part of that track. One part a track, laid in order, would not do: where `variant-b` grows,
`variant-c` would be pushed along, and users of C would become users of B. Hence each track
but stable has a place of its own: of n such tracks the i-th (from 0) begins at i/(n+1) of
the range and grows upwards, and all that nobody has is stable's.

    variant-b 5 %, variant-c 5 %      |BB·············|CC·············|···············|
    variant-b 20 %, variant-c 5 %     |BBBBBBBBB······|CC·············|···············|
    variant-b 50 %, variant-c 5 %     |BBBBBBBBBBBBBBB|CC·············|BBBBBB·········|

What follows, as long as the tracks, the salt and the header are the same:

- While no share exceeds 1/(n+1), a change of one share moves users between that track and
  stable alone, and as few as can be.
- A track that exceeds it goes on in stable's own place, which is the last, and then in what
  is left of the others'. Where two tracks do, the growth of one moves users of the other.
- With one such track (a canary, or an A/B test of two) its users are always the first ones:
  who has it keeps it while it grows.
- A track that comes or goes (not one whose share is 0) lays the places anew, and moves users.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from tfx_rollout.traffic import FULL, WEIGHTED, Split, Track


def places(split: Split, tracks: Iterable[Track]) -> list[tuple[Track, int]]:
    """The parts of the range in order, as track and units; tracks without a share have none. They add up to `FULL`."""
    there = set(tracks)
    arms = [track for track in WEIGHTED if track in there and track is not Track.STABLE]
    bounds = [round(FULL * i / (len(arms) + 1)) for i in range(len(arms) + 2)]
    parts: list[tuple[int, int, Track]] = []
    free = [[start, end] for start, end in pairwise(bounds)]
    left = {}
    for arm, place in zip(arms, free, strict=False):
        own = min(split.units(arm), place[1] - place[0])
        parts.append((place[0], own, arm))
        place[0] += own
        left[arm] = split.units(arm) - own
    for number, arm in enumerate(arms, start=1):
        for place in (free[-1], *free[number:-1], *free[:number]):
            more = min(left[arm], place[1] - place[0])
            parts.append((place[0], more, arm))
            place[0] += more
            left[arm] -= more
    parts += [(start, end - start, Track.STABLE) for start, end in free]
    return _joined(parts)


def _joined(parts: Iterable[tuple[int, int, Track]]) -> list[tuple[Track, int]]:
    """The parts in order, without empty ones, neighbours of one track as one."""
    found: list[tuple[Track, int]] = []
    for _, units, track in sorted(part for part in parts if part[1]):
        if found and found[-1][0] is track:
            units += found.pop()[1]
        found.append((track, units))
    return found
