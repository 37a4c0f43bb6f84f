"""How requests come in during one window of many runs, and on which track: a row a run, columns canary and stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.simulation.behaviour import Stalls, Users

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]

STALL_SLOT_SECONDS = 0.01
"""Stalls delay what comes in; where the plan asks for no spacing, at most one request in this time is looked at."""


@dataclass(frozen=True)
class Arrivals:
    """Counts of one window, each (R, 2)."""

    requests: Counts
    failures: Counts
    units: Counts
    unit_failures: Counts
    timed: Counts
    """Answers whose latency counts."""
    predicted: Counts
    """Predictions that are compared: those of good answers; or of those among the first answers to users."""
    delays_ms: Rates | None = None
    """Extra latency of each timed answer, one row (run and track) after the other; None where there is none."""


class Source(Protocol):
    """Where requests come from."""

    def draw(self, per_second: float, share: Rates, mirror: Rates, stages: Counts, rates: Rates) -> Arrivals:
        """One window: requests a second in all; of each run (R,) the canary's share, the share that is copied to a shadow
        instead, and the stage in force; rates of failing (R, 2)."""

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Go on with these runs only."""


class IndependentRequests:
    """Requests that come in independently (Poisson), each a unit of its own.

    Of those in one stretch of `spacing_ms` one alone is timed, as the evidence has it.
    """

    def __init__(self, plan: Plan, stalls: Stalls | None, rng: np.random.Generator) -> None:
        self._seconds, self._stalls, self._rng = plan.window_seconds, stalls, rng
        spacing = plan.latency.spacing_ms / 1000
        if stalls is not None:
            spacing = max(spacing, STALL_SLOT_SECONDS)
        self._slots = round(self._seconds / spacing) if spacing > 0 else 0

    def draw(self, per_second: float, share: Rates, mirror: Rates, stages: Counts, rates: Rates) -> Arrivals:
        expected = per_second * self._seconds * np.stack([share + mirror, 1 - share], axis=1)
        if not self._slots:
            requests = self._rng.poisson(expected)
            failures = self._rng.binomial(requests, rates)
            return Arrivals(requests, failures, requests, failures, requests, requests - failures)
        in_slot = self._rng.poisson(expected[:, :, None] / self._slots, (*expected.shape, self._slots))
        requests = in_slot.sum(axis=2)
        failures = self._rng.binomial(requests, rates)
        delays = None if self._stalls is None else self._delays(self._stalls, in_slot)
        timed = np.count_nonzero(in_slot, axis=2)
        return Arrivals(requests, failures, requests, failures, timed, requests - failures, delays)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Nothing to do: the past of a run does not matter here."""

    def _delays(self, stalls: Stalls, in_slot: Counts) -> Rates:
        """Milliseconds that the first request of each occupied slot waits for the end of a stall of its server."""
        width = self._seconds / self._slots
        first = (np.arange(self._slots) + 1 - self._rng.random(in_slot.shape) ** (1 / np.maximum(in_slot, 1))) * width
        many = self._rng.poisson(self._seconds / stalls.every_seconds, in_slot.shape[:2])
        waits = np.zeros(in_slot.shape)
        for number in range(int(many.max(initial=0))):
            begins = np.where(number < many, self._rng.random(many.shape) * self._seconds, np.inf)
            ends = begins + self._rng.exponential(stalls.mean_seconds, many.shape)
            held = (first >= begins[:, :, None]) & (first < ends[:, :, None])
            waits = np.where(held, np.maximum(waits, ends[:, :, None] - first), waits)
        return np.asarray(1000 * waits[in_slot > 0])


class StickyUsers:
    """Users with uneven activity who stay with their track: the ramp is nested, so nobody changes back.

    Counted by request, every request is a unit. Counted by user, the units of a window are the users who are
    active in it, have not been on the canary before this stage and have not failed in it yet; timed is the
    first request of each of them in the stage, and what it predicted is compared. Copies for a shadow are counted one by
    one either way.
    """

    def __init__(self, plan: Plan, users: Users, runs: int, rng: np.random.Generator) -> None:
        self._seconds, self._by_user, self._users, self._rng = plan.window_seconds, plan.unit == "user", users, rng
        activity = np.cumsum(np.exp(users.sigma * np.random.default_rng(0).standard_normal(users.number)))
        draws = (np.arange(1 << 16) + 0.5) / (1 << 16)
        self._active = np.searchsorted(activity / activity[-1], draws).astype(np.intp)
        self._fails = np.arange(users.number) < users.failing_share * users.number
        self._place = rng.random((runs, users.number), dtype=np.float32)
        self._on_canary = np.zeros((runs, users.number), bool)
        self._out = np.zeros((runs, users.number), bool)
        self._timed = np.zeros((runs, users.number), bool)
        self._stages = np.full(runs, -1)

    def draw(self, per_second: float, share: Rates, mirror: Rates, stages: Counts, rates: Rates) -> Arrivals:
        self._open(stages)
        runs = len(stages)
        many = self._rng.poisson(per_second * self._seconds, runs)
        run = np.repeat(np.arange(runs), many)
        user = self._active[self._rng.integers(0, len(self._active), len(run))]
        track = np.where(self._place[run, user] < share[run], 0, 1)
        rate = np.where(self._fails[user], np.maximum(self._users.failing_rate, rates[run, track]), rates[run, track])
        failed = self._rng.random(len(run)) < rate
        requests, failures = _by_track(run, track, runs), _by_track(run[failed], track[failed], runs)
        copies = self._rng.binomial(many, mirror)
        failed_copies = self._rng.binomial(copies, rates[:, 0])
        requests[:, 0] += copies
        failures[:, 0] += failed_copies
        if not self._by_user:
            return Arrivals(requests, failures, requests, failures, requests, requests - failures)
        seen, bad = np.zeros(self._out.shape, bool), np.zeros(self._out.shape, bool)
        seen[run, user] = True
        bad[run[failed], user[failed]] = True
        canary = self._place < share[:, None]
        at_risk = seen & ~self._out
        bad &= at_risk
        first = at_risk & ~self._timed
        self._out |= bad
        self._timed |= seen
        self._on_canary |= seen & canary
        units, bad_units, timed = _of_tracks(at_risk, canary), _of_tracks(bad, canary), _of_tracks(first, canary)
        units[:, 0] += copies
        bad_units[:, 0] += failed_copies
        predicted = _of_tracks(first & ~bad, canary)
        timed[:, 0] += copies
        predicted[:, 0] += copies - failed_copies
        return Arrivals(requests, failures, units, bad_units, timed, predicted)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        self._place, self._on_canary = self._place[chosen], self._on_canary[chosen]
        self._out, self._timed, self._stages = self._out[chosen], self._timed[chosen], self._stages[chosen]

    def _open(self, stages: Counts) -> None:
        """A stage begins with everybody who has not been on the canary."""
        opened = stages != self._stages
        self._out[opened] = self._on_canary[opened]
        self._timed[opened] = False
        self._stages = stages.copy()


def _by_track(run: npt.NDArray[np.intp], track: npt.NDArray[np.int64], runs: int) -> Counts:
    return np.bincount(2 * run + track, minlength=2 * runs).reshape(runs, 2)


def _of_tracks(users: npt.NDArray[np.bool_], canary: npt.NDArray[np.bool_]) -> Counts:
    return np.stack([np.count_nonzero(users & canary, axis=1), np.count_nonzero(users & ~canary, axis=1)], axis=1)
