"""Many rollouts at once, decided by the very judge that decides live ones, on simulated traffic.

What happens between two windows is what the controller does: a verdict comes `waiting_seconds` after the end of its window
and takes effect at the end of the window that is then under way; the next stage opens; a person who is asked about drift
or about an inconclusive stage says no, and one whose approval a passed stage needs says yes. How long it takes to load
a version, to bring a split into force and to make a promoted version live for everybody comes on top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_rollout.rollout.judge import CODES, Call, Calls, Ledger, begin_many, calls, fold, open_stages
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.simulation.scenario import Scenario, arranged
from tfx_rollout.rollout.simulation.traffic import Traffic

BLOCK = 200
"""Runs that are simulated together, on random numbers of their own: run `i` is the same however many blocks there are."""

RUNNING, PROMOTED, ROLLED_BACK, UNDECIDED = range(4)


@dataclass(frozen=True)
class Runs:
    """How runs ended, an entry each."""

    decision: npt.NDArray[np.int64]
    """`PROMOTED`, `ROLLED_BACK` or `UNDECIDED`."""
    seconds: npt.NDArray[np.float64]
    """From the opening of the first stage until the verdict, or until the end of an undecided run."""
    canary_requests: npt.NDArray[np.int64]
    canary_failures: npt.NDArray[np.int64]
    asked: npt.NDArray[np.bool_]
    """Whether a person was asked, and said no."""
    stage_seconds: npt.NDArray[np.float64]
    """Seconds in each stage, (N, stages); 0 where it was not reached."""

    def __len__(self) -> int:
        return len(self.decision)

    def chosen(self, which: npt.NDArray[np.bool_]) -> Runs:
        """These runs alone."""
        return Runs(*(getattr(self, f.name)[which] for f in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Runs]) -> Runs:
        """The runs of all parts, in their order."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def simulate(
    scenario: Scenario,
    plan: Plan,
    *,
    runs: int,
    rps: float,
    seed: int = 0,
    most_seconds: float = 4 * 3600.0,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
) -> Runs:
    """This many rollouts of the scenario under the plan, at `rps` requests a second.

    A run is undecided after `most_seconds`. The same seed gives the same runs. `workers` processes share the work, in
    blocks; `progress` is told how many runs have ended whenever a block has.
    """
    order = Order(scenario, plan, runs, rps, seed, most_seconds)
    return simulate_all([order], workers=workers, progress=progress)[0]


@dataclass(frozen=True)
class Order:
    """What is to be simulated; see `simulate`."""

    scenario: Scenario
    plan: Plan
    runs: int
    rps: float
    seed: int = 0
    most_seconds: float = 4 * 3600.0


def simulate_all(orders: Sequence[Order], *, workers: int = 1, progress: Callable[[int], object] | None = None) -> list[Runs]:
    """As `simulate`, for several orders whose work is shared by the same processes; `progress` counts the runs of all."""
    blocks = [block for number, order in enumerate(orders) for block in _blocks(number, order)]
    done: dict[tuple[int, int], Runs] = {}
    for block, found in _each(blocks, min(workers, len(blocks))):
        done[block.order, block.number] = found
        if progress is not None:
            progress(sum(map(len, done.values())))
    return [Runs.joined([done[key] for key in sorted(done) if key[0] == number]) for number in range(len(orders))]


@dataclass(frozen=True)
class _Block:
    """A part of an order: runs that are simulated together."""

    order: int
    number: int
    scenario: Scenario
    plan: Plan
    rps: float
    runs: int
    seed: int
    most_seconds: float

    def run(self) -> Runs:
        rng = np.random.default_rng((self.seed, self.number))
        traffic = Traffic(self.scenario, self.plan, rps=self.rps, runs=self.runs, most_seconds=self.most_seconds, rng=rng)
        return _Rollouts(self.plan, traffic, self.runs).until(self.most_seconds)


def _blocks(number: int, order: Order) -> Iterator[_Block]:
    scenario, plan = arranged(order.scenario, order.plan)
    for block, first in enumerate(range(0, order.runs, BLOCK)):
        runs = min(BLOCK, order.runs - first)
        yield _Block(number, block, scenario, plan, order.rps, runs, order.seed, order.most_seconds)


def _each(blocks: Sequence[_Block], workers: int) -> Iterator[tuple[_Block, Runs]]:
    """Blocks with their runs, as they end."""
    if workers <= 1:
        for block in blocks:
            yield block, block.run()
        return
    with ProcessPoolExecutor(workers) as pool:
        under_way = {pool.submit(block.run): block for block in blocks}
        for future in as_completed(under_way):
            yield under_way[future], future.result()


def processors() -> int:
    """How many processes can work at once here."""
    return os.cpu_count() or 1


@dataclass
class _Rollouts:
    """Runs under way; all arrays but `_ended`'s have a row for each run that has not ended."""

    plan: Plan
    traffic: Traffic
    runs: int
    _number: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        runs = self.runs
        ledger = begin_many(self.plan, runs)
        self._ledger: Ledger = open_stages(self.plan, ledger, np.ones(runs, bool), at=0.0)
        self._ids = np.arange(runs)
        self._stage = np.zeros(runs, np.int64)
        self._decision = np.full(runs, RUNNING)
        self._acts_at = np.full(runs, -1)
        """Number of the window before which the verdict that was reached takes effect; -1 where there is none."""
        self._stage_requests = np.zeros(runs, np.int64)
        self._delay = math.ceil(self.plan.waiting_seconds / self.plan.window_seconds)
        self._ended = Runs(
            decision=np.full(runs, UNDECIDED),
            seconds=np.zeros(runs),
            canary_requests=np.zeros(runs, np.int64),
            canary_failures=np.zeros(runs, np.int64),
            asked=np.zeros(runs, bool),
            stage_seconds=np.zeros((runs, len(self.plan.stages))),
        )

    def until(self, most_seconds: float) -> Runs:
        """Everything from the beginning to the end."""
        while len(self._ids) and self._number * self.plan.window_seconds < most_seconds:
            self._window()
            self._act()
        self._ended.seconds[self._ids[self._decision == RUNNING]] = self._number * self.plan.window_seconds
        self._ended.decision[self._ids[self._decision != RUNNING]] = self._decision[self._decision != RUNNING]
        return self._ended

    def _window(self) -> None:
        """One window of all runs under way, and what follows from its verdicts."""
        batch = self.traffic.window(self._stage)
        self._ledger = fold(self.plan, self._ledger, batch)
        self._number += 1
        served, failed = batch.requests[:, 0], batch.failures[:, 0]
        self._stage_requests += served
        self._ended.canary_requests[self._ids] += served
        self._ended.canary_failures[self._ids] += failed
        self._ended.stage_seconds[self._ids, self._stage] += self.plan.window_seconds
        self._heed(calls(self.plan, self._ledger))

    def _heed(self, found: Calls) -> None:
        call = found.call
        inconclusive = call == CODES[Call.INCONCLUSIVE]
        policy = np.array([stage.on_inconclusive for stage in self.plan.stages])[self._stage]
        no = (call == CODES[Call.ASK]) | (inconclusive & (policy == "ask"))
        back = (call == CODES[Call.ROLLBACK]) | no | (inconclusive & (policy == "rollback"))
        harmless = (self._stage_requests >= self.plan.min_requests) & (found.log_evidence <= 0)
        on = (call == CODES[Call.ADVANCE]) | (call == CODES[Call.PASS]) | (inconclusive & (policy == "advance") & harmless)
        last = self._stage == len(self.plan.stages) - 1

        waits = self._acts_at >= 0
        back &= self._decision != ROLLED_BACK
        on &= ~waits & ~back
        self._decide(back, ROLLED_BACK)
        self._ended.asked[self._ids[back & no]] = True
        self._decide(on & last, PROMOTED)
        self._acts_at[back | (on & ~waits)] = self._number + self._delay

    def _decide(self, chosen: npt.NDArray[np.bool_], decision: int) -> None:
        self._decision[chosen] = decision
        self._ended.seconds[self._ids[chosen]] = self._number * self.plan.window_seconds + self.plan.waiting_seconds

    def _act(self) -> None:
        """Let verdicts take effect whose time has come: runs end, stages open."""
        due = self._acts_at == self._number
        if not due.any():
            return
        ends = due & (self._decision != RUNNING)
        opens = due & ~ends
        if opens.any():
            self._ledger = open_stages(self.plan, self._ledger, opens, at=self._number * self.plan.window_seconds)
            self._stage[opens] += 1
            self._stage_requests[opens] = 0
        self._acts_at[opens] = -1
        if ends.any():
            self._ended.decision[self._ids[ends]] = self._decision[ends]
            self._keep(~ends)

    def _keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        self.traffic.keep(chosen)
        self._ledger = self._ledger.keep(chosen)
        self._ids, self._stage, self._decision = self._ids[chosen], self._stage[chosen], self._decision[chosen]
        self._acts_at, self._stage_requests = self._acts_at[chosen], self._stage_requests[chosen]


def summary(runs: Runs) -> dict[str, Any]:
    """Counts of the decisions; p10, p50 and p90 of the minutes to the decision (null where none was reached) and, over all
    runs, of the requests that the canary had and of those that failed; minutes in each stage, of the runs that reached it."""
    decided = runs.decision != UNDECIDED
    return {
        "runs": len(runs),
        "promoted": int((runs.decision == PROMOTED).sum()),
        "rolled_back": int((runs.decision == ROLLED_BACK).sum()),
        "undecided": int((~decided).sum()),
        "minutes": _spread(runs.seconds[decided] / 60),
        "canary_requests": _spread(runs.canary_requests),
        "canary_failures": _spread(runs.canary_failures),
        "asked": int(runs.asked.sum()),
        "stage_minutes": [_spread(seconds[seconds > 0] / 60) for seconds in runs.stage_seconds.T],
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float | None]:
    if not len(values):
        return {"p10": None, "p50": None, "p90": None}
    p10, p50, p90 = np.percentile(values, [10, 50, 90]).round(2).tolist()
    return {"p10": p10, "p50": p50, "p90": p90}
