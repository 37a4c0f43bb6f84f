"""Scripted users of an A/B test: they come, come again, and what they do depends on the version that answers them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfx_rollout.evidence.request_records import KeptRequest, identity, microseconds
from tfx_rollout.testing.clock import ManualClock
from tfx_rollout.traffic import WEIGHTED, Split, Track


@dataclass(frozen=True)
class Habit:
    """What users do who are answered on a track: the chance that a request fails; the chance that one is followed by a yes,
    or the
    mean of the numbers that are given for it (spread `spread`), and the chance that anything is said at all."""

    failures: float = 0.0
    yes: float = 0.05
    mean: float = 3.0
    spread: float = 1.0
    says: float = 1.0


@dataclass
class SimulatedUsers:
    """`DrawnRequests` over users that come and come again: `arrivals` new ones a second, and each known one on and on.

    A request falls on a track by its user's place among all (a number from 0 to 1 that he has for ever) and the split of its
    moment; `nameless` of the requests tell no user. Requests are known `waiting_seconds` after their start. What happens in a
    second depends on its number alone, so that who asks again gets the same. Intervals in `gaps` are not vouched for.
    """

    clock: ManualClock
    split_at: Callable[[float], Split]
    habits: Mapping[Track, Habit] = field(default_factory=dict)
    arrivals: float = 5.0
    returning: float = 5.0
    """Requests of earlier users a second."""
    nameless: float = 0.0
    waiting_seconds: float = 1.0
    delay_seconds: float = 1.0
    """How long after a request feedback about it comes."""
    seed: int = 0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    place: Callable[[int], float] | None = None
    """A user's place, by number; by default a fair one."""
    _known: list[int] = field(default_factory=lambda: [0])
    """How many users had come before each second since the beginning."""

    def __post_init__(self) -> None:
        self._begun = int(self.clock.now())

    def horizon(self) -> float:
        return self.clock.now() - self.waiting_seconds

    def complete(self, start: float, end: float) -> bool:
        return not any(since < end and start < until for since, until in self.gaps)

    def forget(self, before: float) -> None:
        """There is nothing to free."""

    def drawn(self, model: str, start: float, end: float) -> list[KeptRequest]:
        return [
            KeptRequest(one.track, microseconds(one.at), self._code(one), 5000.0, identity(one.name), one.user)
            for one in self._between(start, end)
            if not any(since <= one.at < until for since, until in self.gaps)
        ]

    def feedback(self, start: float, end: float, metric: str, kind: str) -> Iterator[dict[str, Any]]:
        """What users say in `[start, end)`, about requests of `delay_seconds` before."""
        for one in self._between(start - self.delay_seconds, end - self.delay_seconds):
            habit = self._habit(one.track)
            if one.talk < habit.says:
                number = float(np.clip(round(habit.mean + habit.spread * one.number), 1, 5))
                value = number if kind == "number" else bool(one.chance < habit.yes)
                yield {
                    "request_id": one.name,
                    **({"correct": value} if metric == "correct" else {"metric": metric, "value": value}),
                }

    def _between(self, start: float, end: float) -> Iterator[_Request]:
        for second in range(max(self._begun, math.floor(start)), math.ceil(end)):
            yield from (one for one in self._second(second) if start <= one.at < end)

    def _second(self, second: int) -> list[_Request]:
        """The requests of one whole second."""
        before, after = self._users_before(second), self._users_before(second + 1)
        rng = np.random.default_rng([self.seed, second])
        again = rng.integers(0, max(before, 1), rng.poisson(self.returning) if before else 0)
        return [self._request(second, i, user, rng) for i, user in enumerate([*range(before, after), *again.tolist()])]

    def _request(self, second: int, number: int, user: int, rng: np.random.Generator) -> _Request:
        at, luck, chance, talk, nameless, lot = (float(x) for x in rng.random(6))
        named = nameless >= self.nameless
        place = self._place(user) if named else lot
        track = _track(place, self.split_at(second + at))
        whose = identity(f"{self.seed}-{user}") if named else 0
        return _Request(second + at, whose, track, f"{second}-{number}", luck, chance, float(rng.standard_normal()), talk)

    def _users_before(self, second: int) -> int:
        while len(self._known) <= second - self._begun:
            rng = np.random.default_rng([self.seed, self._begun + len(self._known), 1])
            self._known.append(self._known[-1] + int(rng.poisson(self.arrivals)))
        return self._known[max(0, second - self._begun)]

    def _place(self, user: int) -> float:
        if self.place is not None:
            return self.place(user)
        return float(np.random.default_rng([self.seed, user, 2]).random())

    def _code(self, one: _Request) -> str:
        return "OK" if one.luck >= self._habit(one.track).failures else "INTERNAL"

    def _habit(self, track: Track) -> Habit:
        return self.habits.get(track, Habit())


@dataclass(frozen=True)
class _Request:
    at: float
    user: int
    track: Track
    name: str
    luck: float
    chance: float
    number: float
    talk: float


def _track(place: float, split: Split) -> Track:
    """The track of a place: the variants from 0 up, in their order, and stable above them."""
    for track in reversed(WEIGHTED):
        if track is Track.STABLE:
            continue
        if place < split.share(track):
            return track
        place -= split.share(track)
    return Track.STABLE
