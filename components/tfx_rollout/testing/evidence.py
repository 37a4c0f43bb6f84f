"""A scripted stream of requests, and what the sources of evidence would tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tfx_rollout.evidence import IntervalCounts, LatencyHistogram, TrackCounts
from tfx_rollout.evidence.labels import LabelTally
from tfx_rollout.evidence.window import PairCounts
from tfx_rollout.testing.clock import ManualClock
from tfx_rollout.traffic import Split, Track

SPACING_S = 0.1
"""Of the answers of a track that start within such a slot the first one counts as a unit of latency."""
DRAWN = (Track.STABLE, Track.CANARY)


@dataclass(frozen=True)
class Behaviour:
    """How a version answers: the chance of a failure; latencies, log-normal around a median in microseconds;
    the classes it predicts with their shares, and the chance that a prediction is wrong."""

    failures: float = 0.0
    latency_us: float = 5_000.0
    spread: float = 0.3
    code: str = "INVALID_ARGUMENT"
    classes: Mapping[str, float] = field(default_factory=dict)
    wrong: float = 0.0


@dataclass(frozen=True)
class _Requests:
    """The requests of some whole seconds, one entry each. Chances are from 0 to 1."""

    start: npt.NDArray[np.float64]
    canary: npt.NDArray[np.bool_]
    """Whether the draw sent it to the canary."""
    copied: npt.NDArray[np.bool_]
    luck: npt.NDArray[np.float64]
    speed: npt.NDArray[np.float64]
    choice: npt.NDArray[np.float64]
    """What decides the class."""
    judgement: npt.NDArray[np.float64]
    """What decides whether a prediction is wrong, of both versions alike."""

    def on(self, track: Track) -> npt.NDArray[np.bool_]:
        """Those that this track answered; copies are of what stable answered."""
        return {Track.STABLE: ~self.canary, Track.CANARY: self.canary, Track.SHADOW: self.copied & ~self.canary}[track]


class InMemoryEvidence:
    """An `EvidenceSource` over a scripted stream of requests; `labels` is the `LabelSource` that belongs to it.

    `rate` requests a second start at random times and fall on the tracks by the split of
    their moment (`split_at`); `mirror_at` gives the share that is copied to the candidate. Intervals in
    `gaps` are those the source cannot vouch for. The candidate behaves alike on the tracks canary and shadow.
    """

    def __init__(
        self,
        clock: ManualClock,
        split_at: Callable[[float], Split],
        *,
        mirror_at: Callable[[float], float] = lambda at: 0.0,
        stable: Behaviour = Behaviour(),
        canary: Behaviour = Behaviour(),
        rate: float = 50.0,
        waiting_seconds: float = 0.0,
        label_delay_seconds: float = 30.0,
        gaps: Sequence[tuple[float, float]] = (),
        seed: int = 0,
    ) -> None:
        self.clock, self.split_at, self.mirror_at = clock, split_at, mirror_at
        self.behaviours = {Track.STABLE: stable, Track.CANARY: canary}
        self.rate, self.waiting_seconds, self.seed = rate, waiting_seconds, seed
        self.gaps = list(gaps)
        self.labels = InMemoryLabels(self, label_delay_seconds)

    def horizon(self) -> float:
        return self.clock.now() - self.waiting_seconds

    def counts(self, model: str, start: float, end: float) -> IntervalCounts:
        assert end <= self.horizon(), "an interval may be counted only up to the horizon"
        requests = self.requests(start, end)
        tracks = {track: self._counted(track, requests, start, end) for track in DRAWN}
        if requests.copied.any():
            tracks[Track.SHADOW] = self._counted(Track.SHADOW, requests, start, end)
        return IntervalCounts(tracks, gap=self.has_gap(start, end))

    def behaviour(self, track: Track) -> Behaviour:
        """How what answers on this track behaves."""
        return self.behaviours[Track.STABLE if track is Track.STABLE else Track.CANARY]

    def has_gap(self, start: float, end: float) -> bool:
        """Whether the source cannot vouch for all of this interval."""
        return any(since < end and start < until for since, until in self.gaps)

    def requests(self, start: float, end: float) -> _Requests:
        """All requests of the whole seconds that hold the interval, the same ones whoever asks."""
        columns: list[list[npt.NDArray[np.float64]]] = []
        for second in range(int(start), int(np.ceil(end))):
            rng = np.random.default_rng([self.seed, second])
            n = rng.poisson(self.rate)
            starts, lot, luck, speed = second + rng.random(n), rng.random(n), rng.random(n), rng.standard_normal(n)
            columns.append([starts, lot, luck, speed, rng.random(n), rng.random(n), rng.random(n)])
        if not columns:
            columns = [[np.zeros(0)] * 7]
        starts, lot, luck, speed, choice, judgement, copy = (np.concatenate(column) for column in zip(*columns, strict=True))
        canary = lot < np.array([self.split_at(float(at)).share(Track.CANARY) for at in starts])
        copied = copy < np.array([self.mirror_at(float(at)) for at in starts])
        return _Requests(starts, canary, copied, luck, speed, choice, judgement)

    def _counted(self, track: Track, requests: _Requests, start: float, end: float) -> TrackCounts:
        behaviour, mine = self.behaviour(track), requests.on(track)
        inside = mine & (requests.start >= start) & (requests.start < end)
        n, failures = int(inside.sum()), int((requests.luck[inside] < behaviour.failures).sum())
        latency = behaviour.latency_us * np.exp(behaviour.spread * requests.speed)
        units = inside & _first_of_slots(requests.start, mine)
        return TrackCounts(
            requests=n,
            failures=failures,
            codes={code: count for code, count in (("OK", n - failures), (behaviour.code, failures)) if count},
            latency=LatencyHistogram.of(latency[inside].tolist()),
            units=n,
            unit_failures=failures,
            unit_latency=LatencyHistogram.of(latency[units].tolist()),
            predictions=_predicted(behaviour, requests.choice[inside]),
        )


class InMemoryLabels:
    """The labels of an `InMemoryEvidence`: one for each answer, so many seconds after its request started."""

    def __init__(self, evidence: InMemoryEvidence, delay_seconds: float) -> None:
        self._evidence, self._delay_seconds = evidence, delay_seconds

    def horizon(self) -> float:
        return self._evidence.clock.now()

    def counts(self, model: str, start: float, end: float, *, from_age: float, to_age: float) -> LabelTally:
        assert end + to_age <= self.horizon(), "labels may be counted only up to the horizon"
        requests = self._evidence.requests(start, end)
        age = requests.start + self._delay_seconds - end
        came = (requests.start >= start) & (requests.start < end) & (age >= from_age) & (age < to_age)
        wrong = {track: requests.judgement < self._evidence.behaviour(track).wrong for track in (*DRAWN, Track.SHADOW)}
        paired = came & requests.on(Track.SHADOW)
        worse = int((paired & wrong[Track.SHADOW] & ~wrong[Track.STABLE]).sum())
        better = int((paired & wrong[Track.STABLE] & ~wrong[Track.SHADOW]).sum())
        return LabelTally(
            wrong={track: int((came & requests.on(track) & wrong[track]).sum()) for track in DRAWN},
            labelled={track: int((came & requests.on(track)).sum()) for track in DRAWN},
            pairs=PairCounts(worse, int(paired.sum()) - worse - better, better),
            gap=self._evidence.has_gap(start, end),
        )

    def predicted(self, model: str, start: float, end: float) -> Mapping[Track, int]:
        requests = self._evidence.requests(start, end)
        inside = (requests.start >= start) & (requests.start < end)
        return {track: int((inside & requests.on(track)).sum()) for track in DRAWN}

    def disagreements(self, model: str, start: float, end: float) -> PairCounts:
        requests = self._evidence.requests(start, end)
        inside = (requests.start >= start) & (requests.start < end) & requests.on(Track.SHADOW)
        return PairCounts(pairs=int(inside.sum()))


def _first_of_slots(start: npt.NDArray[np.float64], mine: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of a track's requests are the first in their slot of time. Slots tile whole seconds."""
    order = np.flatnonzero(mine)[np.argsort(start[mine], kind="stable")]
    _, first = np.unique(np.floor(start[order] / SPACING_S), return_index=True)
    found = np.zeros(len(start), dtype=np.bool_)
    found[order[first]] = True
    return found


def _predicted(behaviour: Behaviour, choice: npt.NDArray[np.float64]) -> dict[str, int]:
    if not behaviour.classes:
        return {}
    names, ends = list(behaviour.classes), np.cumsum(list(behaviour.classes.values()))
    chosen = np.minimum(np.searchsorted(ends, choice * ends[-1], side="right"), len(names) - 1)
    return dict(sorted(Counter(names[i] for i in chosen).items()))
