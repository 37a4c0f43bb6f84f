"""How long the judge takes for a window, alone and among many runs, and how large its state gets.

Processor time of its one thread is measured, so that what else runs on the machine counts little.

Simulated traffic at 50 requests a second with four metrics, ten classes and labels. The same windows are judged one rollout at a
time, as a controller does, and side by side, as `simulate` does; in passing the two are held against each other, bit for bit.

    make bench NAME=judge
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from harness import Figure, finish

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.evidence.window import LabelCounts, MissingLabels
from tfx_rollout.rollout import JudgeState, Plan, begin, judge, open_stage, plan_from_dict
from tfx_rollout.rollout.judge import Ledger, WindowBatch, begin_many, calls, fold, open_stages
from tfx_rollout.rollout.judge.ledger import ARRAYS
from tfx_rollout.rollout.simulation.scenario import SCENARIOS
from tfx_rollout.rollout.simulation.traffic import Traffic
from tfx_rollout.traffic import Split, Track

RPS = 50
SHARES = (0.01, 0.05, 0.25, 0.5)
WINDOWS_A_STAGE = 15
ALONE = 3
"""Rollouts that are judged one at a time too: the first, the last, and between."""
LONG = 10_000
"""Windows after which the state's size is taken."""


def main(argv: list[str] | None = None) -> int:
    """Measure, and print the figures against their bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    options = parser.parse_args(argv)
    plan = plan_from_dict({"stages": [{"share": share} for share in SHARES]}, name="four-stages")
    alone, together, equal = _speeds(plan, options.runs)
    figures = [
        Figure("a window alone, median", 1000 * float(np.median(alone)), "ms", 2.0),
        Figure("a window alone, p90", 1000 * float(np.quantile(alone, 0.9)), "ms"),
        *(
            Figure(f"a window and run among {options.runs}, stage of {share:.0%}", 1000 * seconds, "ms")
            for share, seconds in zip(SHARES, together, strict=True)
        ),
        Figure(f"a window and run among {options.runs}, all stages", 1000 * float(np.mean(together)), "ms", 0.15),
        Figure("rollouts whose bits are the same alone and among others", float(equal), f"of {ALONE}", ALONE, "at least"),
        Figure(f"state after {LONG:,} windows of six stages", _state_bytes() / 1024, "KiB", 64),
    ]
    return finish("judge", f"{RPS} requests a second, {WINDOWS_A_STAGE} windows a stage", figures)


def _speeds(plan: Plan, runs: int) -> tuple[list[float], list[float], int]:
    """Seconds of each window alone, seconds a window and run in each stage, and how many rollouts came to the same bits."""
    seconds = len(SHARES) * WINDOWS_A_STAGE * plan.window_seconds
    traffic = Traffic(SCENARIOS["null"], plan, rps=RPS, runs=runs, most_seconds=seconds, rng=np.random.default_rng(7))
    ledger = begin_many(plan, runs)
    windows: dict[int, list[Window]] = {row * (runs - 1) // (ALONE - 1): [] for row in range(ALONE)}
    together: list[float] = []
    for stage, share in enumerate(SHARES):
        ledger = open_stages(plan, ledger, np.ones(runs, dtype=bool), at=stage * WINDOWS_A_STAGE * plan.window_seconds)
        spent = []
        for _ in range(WINDOWS_A_STAGE):
            batch = traffic.window(ledger.stage)
            started = time.thread_time()
            ledger = fold(plan, ledger, batch)
            calls(plan, ledger)
            spent.append((time.thread_time() - started) / runs)
            for row, of_row in windows.items():
                of_row.append(_window(batch, row, share))
        together.append(float(np.median(spent)))
    alone: list[float] = []
    equal = 0
    for row, of_row in windows.items():
        state, spent = _alone(plan, of_row)
        alone += spent
        equal += _same_bits(ledger.keep([row]), state.ledger)
    return alone, together, equal


def _alone(plan: Plan, windows: Sequence[Window]) -> tuple[JudgeState, list[float]]:
    """One rollout as a controller judges it: its last state, and the seconds that each window took."""
    state, spent = begin(plan), []
    for number, window in enumerate(windows):
        stage = number // WINDOWS_A_STAGE
        state = open_stage(plan, state, stage, at=stage * WINDOWS_A_STAGE * plan.window_seconds)
        started = time.thread_time()
        state, _ = judge(plan, state, window)
        spent.append(time.thread_time() - started)
    return state, spent


def _same_bits(one: Ledger, other: Ledger) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ARRAYS)


def _window(batch: WindowBatch, row: int, share: float) -> Window:
    """The live window that has the counts of one row. What is in the last bin is predicted once each, so that no bin of its own
    comes of it."""
    tracks = {}
    for column, track in enumerate((Track.CANARY, Track.STABLE)):
        hits = batch.predictions[row, column].tolist()
        predictions = {f"class {i}": times for i, times in enumerate(hits[:-1]) if times}
        predictions |= {f"rare {batch.number} {i}": 1 for i in range(hits[-1])}
        latency = batch.latency[row, column]
        tracks[track] = TrackCounts(
            requests=int(batch.requests[row, column]),
            failures=int(batch.failures[row, column]),
            units=int(batch.units[row, column]),
            unit_failures=int(batch.unit_failures[row, column]),
            unit_latency=LatencyHistogram({int(bucket): int(latency[bucket]) for bucket in np.flatnonzero(latency)}),
            predictions=predictions,
        )
    labels = tuple(LabelCounts(batch.number, i, *counts) for i, counts in enumerate(batch.labels[row].tolist()))
    missing = tuple(MissingLabels(batch.number, *counts) for counts in batch.missing[row].tolist())
    return Window(batch.number, batch.start, batch.end, Split.of(share), tracks, labels=labels, missing_labels=missing)


def _state_bytes() -> int:
    """The size of a state as JSON, after so many windows that nothing more could grow."""
    plan = plan_from_dict({"stages": [{"share": 0.01 * 2**i} for i in range(6)]}, name="six-stages")
    traffic = Traffic(SCENARIOS["null"], plan, rps=RPS, runs=1, most_seconds=600.0, rng=np.random.default_rng(8))
    batches = [traffic.window(np.array([3])) for _ in range(40)]
    state = begin(plan)
    for number in range(LONG):
        if number % (LONG // 6) == 0 and state.stage < 5:
            state = open_stage(plan, state, state.stage + 1, at=10.0 * number)
        batch = replace(batches[number % len(batches)], number=number, start=10.0 * number, end=10.0 * number + 10)
        state = replace(state, ledger=fold(plan, state.ledger, batch))
    return len(json.dumps(state.to_json()))


if __name__ == "__main__":
    sys.exit(main())
