"""How often an A/B test decides wrongly, how many users it takes to find a difference, and what the judge costs.

`make bench NAME=ab-tests`. Without a difference: false decisions at most alpha plus three standard errors, for 2, 3 and 6
arms and
each kind of metric, while the level swings for all arms alike; a z-test that is looked at after every window stands
beside it. With a difference: users an arm at the median, and how many a z-test needs that looks once, at 80 % power.
`--runs` sets how many tests each line has.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from statistics import NormalDist
from typing import Any

import numpy as np
from harness import Figure, finish

from tfx_rollout.evidence.cohort_counts import Arrivals, Outcomes
from tfx_rollout.experiment import ExperimentPlan, experiment_from_dict
from tfx_rollout.experiment.judge import begin_experiment, judge_arrivals, judge_outcomes
from tfx_rollout.experiment.simulation import BETTER, WORSE, Course, simulate
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.traffic import Track

METRICS: dict[str, dict[str, Any]] = {
    "event": {"name": "conversion", "kind": "event"},
    "binary": {"name": "correct", "kind": "binary"},
    "number": {"name": "rating", "kind": "number", "low": 1, "high": 5},
}
LEVELS = {"event": 0.05, "binary": 0.6, "number": 3.0}
POWER = (
    # kind, level of the live version, of the variant, users an arm and window, bar of the median users an arm
    ("event", 0.05, 0.06, 500, 13_000),
    ("event", 0.05, 0.055, 2_000, 60_000),
    ("event", 0.20, 0.24, 200, 4_500),
    ("binary", 0.90, 0.87, 200, 4_500),
    ("number", 3.0, 3.1, 100, 4_500),
    ("number", 3.0, 3.3, 20, 700),
)
WINDOW_MS = 60.0
"""What judging a live window of five variants may cost."""


def plan(arms: int, kind: str) -> ExperimentPlan:
    """An even split."""
    variants = [{"version": 2 + i, "share": round(1 / arms, 4)} for i in range(arms - 1)]
    metric = {**METRICS[kind], "within_seconds": 60}
    return experiment_from_dict({"header": "x-user-id", "variants": variants, "metric": metric})


def bound(rate: float, runs: int) -> float:
    """A rate and three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / runs)


def peeked(level: float, users: int, windows: int, runs: int, seed: int) -> float:
    """How often a z-test at 5 % finds a difference at some look where there is none."""
    rng = np.random.default_rng(seed)
    a, b = (rng.binomial(users, level, (runs, windows)).cumsum(axis=1) for _ in range(2))
    n = users * np.arange(1, windows + 1)
    pooled = (a + b) / (2 * n)
    z = np.abs(a - b) / n / np.sqrt(np.maximum(2 * pooled * (1 - pooled) / n, 1e-12))
    return float((z[:, 1:] > 1.96).any(axis=1).mean())


def fixed(kind: str, one: float, other: float) -> float:
    """Users an arm that a z-test needs which looks once, at 5 % and 80 % power."""
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    variance = 2.0 * 0.95 if kind == "number" else one * (1 - one) + other * (1 - other)
    return z * z * variance / (one - other) ** 2


def cost() -> tuple[float, float]:
    """Milliseconds to judge a live window of five variants and 3,000 users, and the size of the judge's state in KiB."""
    of = plan(6, "event")
    state, rng = begin_experiment(of), np.random.default_rng(1)
    versions = {track: i + 1 for i, track in enumerate((Track.STABLE, *of.tracks))}
    took = []
    for number in range(1, 41):
        arms = {track: Arrivals(500, 900, 9, 800, int(rng.binomial(800, 0.01))) for track in versions}
        told = {track: Outcomes(500, 500, int(rng.binomial(500, 0.05))) for track in versions}
        began = time.process_time()
        state, _ = judge_arrivals(of, state, ExperimentWindow(number, 0, 60, of.split, arms), versions)
        state, _ = judge_outcomes(of, state, MaturedWindow(number, told), versions)
        took.append(1000 * (time.process_time() - began))
    return float(np.median(took)), len(json.dumps(state.to_json())) / 1024


def main() -> int:
    """Simulate every line and show the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=2000, help="tests of each line without a difference; a fifth with one")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    figures: list[Figure] = []
    for kind, level in LEVELS.items():
        runs = given.runs // 4 if kind == "number" else given.runs
        swing = 0.1 if kind == "number" else 0.5
        for arms in (2, 3, 6):
            course = Course((level,) * arms, 100 * arms, 100, lambda w, swing=swing: 1 + swing * math.sin(w / 8), says=0.7)
            found = simulate(plan(arms, kind), course, runs=runs, seed=given.seed)
            wrong = float(found.decided.any(axis=1).mean())
            figures.append(Figure(f"{kind}, {arms} arms, no difference: decided", wrong, "", bound(0.05, runs)))
            print(figures[-1], flush=True)
    figures.append(Figure("event, a z-test peeked at after each of 100 windows: decided", peeked(0.05, 100, 100, 2000, 1)))
    runs = max(50, given.runs // 5)
    for kind, one, other, users, most in POWER:
        better = "higher" if other > one else "lower than the live version: worse"
        course = Course((one, other), 2 * users, 250)
        found = simulate(plan(2, kind), course, runs=runs, seed=given.seed)
        right = BETTER if other > one else WORSE
        median = float(np.median(np.where(found.state[:, 0] == right, found.window[:, 0] * users, np.inf)))
        figures.append(Figure(f"{kind} {one:g} → {other:g} ({better}): users an arm, median", median, "", most))
        figures.append(Figure(f"{kind} {one:g} → {other:g}: a z-test that looks once", round(fixed(kind, one, other))))
        print(figures[-2], flush=True)
    for arms in (3, 6):
        course = Course((0.05, 0.06, *[0.05] * (arms - 2)), 500 * arms, 250)
        found = simulate(plan(arms, "event"), course, runs=runs, seed=given.seed)
        median = float(np.median(np.where(found.state[:, 0] == BETTER, found.window[:, 0] * 500, np.inf)))
        figures.append(Figure(f"event 0.05 → 0.06 among {arms} arms: users an arm, median", median, "", 17_000))
        wrong = float((found.state[:, 1:] == BETTER).any(axis=1).mean())
        figures.append(
            Figure(f"event, {arms} arms of which one is better: another one decided better", wrong, "", bound(0.05, runs))
        )
    milliseconds, kib = cost()
    figures.append(Figure("a live window of 6 arms, judged", round(milliseconds, 1), "ms", WINDOW_MS))
    figures.append(Figure("state of the judge, 6 arms", round(kib, 1), "KiB", 64))
    return finish("ab-tests", f"{given.runs} tests a line, alpha 5 %, even splits, seed {given.seed}", figures)


if __name__ == "__main__":
    raise SystemExit(main())
