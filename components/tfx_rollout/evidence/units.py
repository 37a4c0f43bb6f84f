"""Independent units among requests: what the tests may compare as if drawn one by one. Pure.

*Requests.* Where each request is drawn by itself, each is a unit. Its latency is not: a
server that stalls delays all that it holds, and that is one event. So time is cut into slots
of `spacing_us` since the epoch, and of each track and slot only the answered request that
started first counts. A slot belongs to the interval in which that request started, so
intervals that adjoin count each slot once, wherever the cut is.

*Users.* Where assignment is sticky all requests of a user have one fate, and are one unit.
Its stage is what was drawn anew: with the growing share some users move from stable to the
canary. Per stage a user counts on a track from its first request until its first failure
there, in each window in which it came; the failure counts once, and its latency is that of
its first request in the stage. Users that were on the canary before the stage opened were
not drawn in it and are out, as are requests that tell no user.

Comparing users at risk window by window, with those who failed gone, is the log-rank test:
exact for one look a stage, close to it where users come unevenly. Two things make it
approximate. Who was assigned to the canary at an earlier stage, but did not come then, cannot
be told from the new ones, so that the canary has slightly more of the users that come
seldom. And users in a window are those who came in it, not all who might have.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tfx_rollout.evidence.histogram import LatencyHistogram
from tfx_rollout.evidence.request_records import KeptRequest
from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class UnitCounts:
    """The units of one track in one interval: at risk, failed, and their latencies (see `TrackCounts`)."""

    units: int
    failures: int
    latency: LatencyHistogram


def count_requests(requests: Iterable[KeptRequest], start_us: int, spacing_us: int) -> dict[Track, UnitCounts]:
    """The units where each request is one.

    `requests` are those from `slot_start(start_us, spacing_us)` to the interval's end; those
    before `start_us` only tell whose slot it is.
    """
    units: dict[Track, int] = {}
    failures: dict[Track, int] = {}
    first: dict[tuple[Track, int], tuple[int, float]] = {}
    for number, request in enumerate(requests):
        if request.start_us >= start_us:
            units[request.track] = units.get(request.track, 0) + 1
            failures[request.track] = failures.get(request.track, 0) + request.failed
        if request.latency_us is not None:
            slot = request.start_us // spacing_us if spacing_us else -number
            found = (request.start_us, request.latency_us)
            first[request.track, slot] = min(first.get((request.track, slot), found), found)
    latencies: dict[Track, list[float]] = {}
    for (track, _), (began_us, latency_us) in first.items():
        if began_us >= start_us:
            latencies.setdefault(track, []).append(latency_us)
    return {track: UnitCounts(n, failures[track], LatencyHistogram.of(latencies.get(track, ()))) for track, n in units.items()}


def with_units_of_originals(requests: Sequence[KeptRequest], around: Iterable[KeptRequest]) -> list[KeptRequest]:
    """The requests, each copy for the shadow with the user of its original, which is found in `around` by its id."""
    if not any(request.track is Track.SHADOW for request in requests):
        return list(requests)
    units = {request.request_id: request.unit for request in around if request.unit and request.track is not Track.SHADOW}
    return [
        request._replace(unit=units.get(request.request_id, 0)) if request.track is Track.SHADOW else request
        for request in requests
    ]


def slot_start(start_us: int, spacing_us: int) -> int:
    """Where the slot begins that holds this time."""
    return start_us - start_us % spacing_us if spacing_us else start_us


@dataclass
class _Sightings:
    """Of the users on one track in one stage: when each came first, and when it first failed (microseconds)."""

    came: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)


class UserMemory:
    """Who came and failed when, since the rollout began; some 200 bytes a user.

    It holds nothing but the earliest times of what the records say, so learning them again,
    in any order, gives the same.
    """

    def __init__(self) -> None:
        self._stages: list[int] = []
        self._learned_to_us = 0
        self._sightings: dict[tuple[int, Track], _Sightings] = {}
        self._first_on_canary: dict[int, int] = {}

    @property
    def learned_to_us(self) -> int:
        """Up to which start (microseconds since the epoch) requests were learned."""
        return self._learned_to_us

    def set_stages(self, openings_us: Sequence[int]) -> None:
        """When the stages so far opened. Each has to be told before requests that started after it are learned."""
        self._stages = sorted(openings_us)

    def learn(self, requests: Iterable[KeptRequest], until_us: int) -> None:
        """Takes in all requests that started from `learned_to_us` up to `until_us`."""
        for request in requests:
            if not request.unit:
                continue
            seen = self._sightings.setdefault((self._stage(request.start_us), request.track), _Sightings())
            _earliest(seen.came, request.unit, request.start_us)
            if request.failed:
                _earliest(seen.failed, request.unit, request.start_us)
            if request.track is Track.CANARY:
                _earliest(self._first_on_canary, request.unit, request.start_us)
        self._learned_to_us = max(self._learned_to_us, until_us)

    def learn_again_from(self, start_us: int) -> None:
        """The clock was set back to this time: requests that start from it on are new ones."""
        self._learned_to_us = min(self._learned_to_us, start_us)

    def firsts(self, requests: Iterable[KeptRequest]) -> Iterator[KeptRequest]:
        """Those of the requests with which a user that counts came first in the stage. They must have been learned."""
        given: set[tuple[Track, int]] = set()
        for request in sorted(requests, key=lambda request: request.start_us):
            seen = self._sightings.get((self._stage(request.start_us), request.track))
            is_first = seen is not None and seen.came.get(request.unit) == request.start_us
            if is_first and self._drawn_in_stage(request) and (request.track, request.unit) not in given:
                given.add((request.track, request.unit))
                yield request

    def count(self, requests: Sequence[KeptRequest], start_us: int) -> dict[Track, UnitCounts]:
        """The units of an interval from its requests, which must have been learned; it starts at `start_us`."""
        risk: dict[Track, set[int]] = {}
        for request in requests:
            seen = self._sightings.get((self._stage(request.start_us), request.track))
            if seen is None or request.unit not in seen.came or not self._drawn_in_stage(request):
                continue
            if seen.failed.get(request.unit, start_us) >= start_us:
                risk.setdefault(request.track, set()).add(request.unit)
        latencies: dict[Track, list[float]] = {}
        for request in self.firsts(requests):
            if request.latency_us is not None:
                latencies.setdefault(request.track, []).append(request.latency_us)
        failures = {(request.track, request.unit) for request in requests if request.failed}
        return {
            track: UnitCounts(
                len(units),
                sum((track, unit) in failures for unit in units),
                LatencyHistogram.of(latencies.get(track, ())),
            )
            for track, units in risk.items()
        }

    def _stage(self, start_us: int) -> int:
        return bisect_right(self._stages, start_us)

    def _drawn_in_stage(self, request: KeptRequest) -> bool:
        """Whether the user was not on the canary before the stage opened in which the request started."""
        stage = self._stage(request.start_us)
        opened_us = self._stages[stage - 1] if stage else 0
        return self._first_on_canary.get(request.unit, opened_us) >= opened_us


def _earliest(times: dict[int, int], unit: int, at_us: int) -> None:
    times[unit] = min(times.get(unit, at_us), at_us)
