"""How soon worse canaries are caught: the judge beside others' rules on the same windows, and on the default plan.

`make bench NAME=power`. First the setting of the reference (`fixed_ramp`), with its figures as bars: found at most
5 points less often, in at most 120 % of its median time and requests. Then the default plan with its evidence-driven stages
against the same bars. `--runs` and `--plan-runs` set how many runs each line has.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from fixed_ramp import PLAN, RULES, Alarms, fixed_ramp
from harness import Figure, finish

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import ROLLED_BACK, SCENARIOS, Scenario, simulate, summary

BLOCK = 125
RATE_SLACK, SLOWER = 0.05, 1.2


@dataclass(frozen=True)
class Bar:
    """The reference's figures: rate of detection, median minutes, median requests of the canary (None: not given)."""

    scenario: str
    rps: float
    rate: float
    minutes: float
    requests: float | None


BARS = (
    Bar("errors-x2", 50, 0.96, 28.6, 8326),
    Bar("errors-x5", 50, 1.0, 10.9, 420),
    Bar("errors-10pct", 50, 1.0, 1.5, 44),
    Bar("errors-under-load", 50, 1.0, 21.0, 2596),
    Bar("latency-x1.2", 50, 1.0, 15.6, 1137),
    Bar("latency-x1.5", 50, 1.0, 2.8, 87),
    Bar("slow-tail", 50, 1.0, 12.3, 638),
    Bar("accuracy-10pt", 50, 1.0, 13.3, 796),
    Bar("accuracy-3pt", 50, 0.95, 26.8, 6827),
    Bar("class-shift", 50, 1.0, 13.5, 846),
    Bar("errors-x5", 2, 0.66, 31.0, None),
    Bar("errors-10pct", 2, 1.0, 15.1, 46),
)
PLAN_RPS = 50
"""The plan is measured at this rate alone: with little traffic it keeps its share small until the evidence allows more,
which costs time and saves requests, while the reference's share grows by the clock."""
NULLS = (("null", 50.0), ("null-incident-ramp", 50.0), ("null-low-traffic", 2.0))


def measured(pool: ProcessPoolExecutor, scenario: Scenario, rps: float, runs: int) -> dict[str, Alarms]:
    """All rules on this many runs of the fixed ramp."""
    sizes = [min(BLOCK, runs - first) for first in range(0, runs, BLOCK)]
    parts = list(pool.map(partial(_part, scenario, rps), sizes, range(len(sizes))))
    return {
        rule: Alarms(
            np.concatenate([part[rule].minutes for part in parts]), np.concatenate([part[rule].requests for part in parts])
        )
        for rule in RULES
    }


def _part(scenario: Scenario, rps: float, runs: int, block: int) -> dict[str, Alarms]:
    return fixed_ramp(scenario, rps, runs, (7, block))


def figures_of(name: str, bar: Bar, rate: float, minutes: float, requests: float) -> Iterator[Figure]:
    """The three figures of a line, against the reference's."""
    yield Figure(f"{name}: found", round(rate, 4), "", round(bar.rate - RATE_SLACK, 4), "at least")
    yield Figure(f"{name}: median time", round(minutes, 2), "min", round(SLOWER * bar.minutes, 2))
    if bar.requests is not None:
        yield Figure(f"{name}: median requests to the canary", round(requests), "", round(SLOWER * bar.requests))


def rivals_of(found: dict[str, Alarms]) -> dict[str, Any]:
    """Rate, minutes and requests of every rule."""
    return {
        rule: {
            "rate": round(alarms.rate, 4),
            "minutes": None if math.isnan(alarms.median_minutes) else round(alarms.median_minutes, 2),
            "requests": None if math.isnan(alarms.median_requests) else round(alarms.median_requests),
        }
        for rule, alarms in found.items()
    }


def shown(name: str, details: dict[str, Any]) -> None:
    """One line of progress."""
    cells = (f"{rule} {f['rate']:.0%} {f['minutes'] or '–'} min {f['requests'] or '–'}" for rule, f in details.items())
    print(f"{name}: {'; '.join(cells)}", flush=True)


def main() -> int:
    """Run everything and show the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=250, help="runs of each line of the fixed ramp")
    options.add_argument("--plan-runs", type=int, default=250, help="runs of each line of the default plan")
    options.add_argument("--plan", default="default")
    given = options.parse_args()
    figures: list[Figure] = []
    details: dict[str, Any] = {"fixed ramp": {}, "plan": {}}
    cpus = os.cpu_count() or 1
    with ProcessPoolExecutor(cpus) as pool:
        for scenario, rps in NULLS:
            found = measured(pool, SCENARIOS[scenario], rps, given.runs)
            name = f"fixed ramp, {scenario} at {rps:g}/s"
            details["fixed ramp"][f"{scenario} at {rps:g}/s"] = rivals_of(found)
            shown(name, rivals_of(found))
            alpha = PLAN.alpha + 3 * math.sqrt(PLAN.alpha * (1 - PLAN.alpha) / given.runs)
            figures += [
                Figure(f"{name}: {rule}, false alarms", round(alarms.rate, 4), "", alpha if rule == "judge" else None)
                for rule, alarms in found.items()
            ]
        for bar in BARS:
            found = measured(pool, SCENARIOS[bar.scenario], bar.rps, given.runs)
            name = f"{bar.scenario} at {bar.rps:g}/s"
            details["fixed ramp"][name] = rivals_of(found)
            shown(f"fixed ramp, {name}", rivals_of(found))
            ours = found["judge"]
            figures += figures_of(f"fixed ramp, {name}", bar, ours.rate, ours.median_minutes, ours.median_requests)
    plan = load_plan(given.plan)
    for bar in (bar for bar in BARS if bar.rps == PLAN_RPS):
        name = f"{plan.name} plan, {bar.scenario} at {bar.rps:g}/s"
        runs = simulate(SCENARIOS[bar.scenario], plan, runs=given.plan_runs, rps=bar.rps, seed=7, workers=cpus)
        back = runs.chosen(runs.decision == ROLLED_BACK)
        details["plan"][name] = {**summary(runs), "caught": summary(back)}
        print(name, details["plan"][name], flush=True)
        medians = (float(np.median(values)) if len(back) else math.nan for values in (back.seconds / 60, back.canary_requests))
        figures += figures_of(name, bar, len(back) / len(runs), *medians)
    how = f"{given.runs} and {given.plan_runs} runs a line, alpha 5 %"
    return finish("power", how, figures, details)


if __name__ == "__main__":
    raise SystemExit(main())
