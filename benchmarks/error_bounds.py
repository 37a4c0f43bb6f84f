"""How often the plan decides wrongly: sound canaries that are rolled back, bad ones that pass a gate.

`make bench NAME=error-bounds`. Every null scenario with all metrics on: false rollbacks at most alpha plus three standard
errors. Every gate alone with a canary that is exactly bad: passed in at most beta plus three standard errors. And a sound canary
must get through. `--runs` sets how many runs each line has.
"""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import replace
from typing import Any

from harness import Figure, finish

from tfx_rollout.rollout import Plan, load_plan
from tfx_rollout.rollout.simulation import SCENARIOS, Scenario, simulate, summary

HOURS = {"null": 4.0, "null-clean": 4.0}
"""How long a run may take; the others are watched for `OTHERS` hours, many times the windows that a decision takes."""
OTHERS = 1.0
PROMOTED, MEDIAN_MINUTES = 0.99, 25.0
"""A sound canary at 50 requests a second."""


def bound(rate: float, runs: int) -> float:
    """A rate and three standard errors."""
    return rate + 3 * math.sqrt(rate * (1 - rate) / runs)


def main() -> int:
    """Run every scenario and show the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=2000, help="runs of each line")
    options.add_argument("--rps", type=float, default=50.0)
    options.add_argument("--plan", default="default")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--scenario", action="append", choices=[n for n in SCENARIOS if n.startswith(("null", "boundary"))])
    given = options.parse_args()
    plan = load_plan(given.plan)
    chosen = given.scenario or [name for name in SCENARIOS if name.startswith(("null", "boundary"))]
    figures: list[Figure] = []
    details: dict[str, Any] = {}

    def measured(scenario: Scenario, plan: Plan) -> dict[str, Any]:
        hours = HOURS.get(scenario.name, OTHERS)
        found = simulate(
            scenario,
            plan,
            runs=given.runs,
            rps=given.rps,
            seed=given.seed,
            most_seconds=3600 * hours,
            workers=os.cpu_count() or 1,
        )
        return {"hours": hours, **summary(found)}

    for name in chosen:
        scenario = SCENARIOS[name]
        found = details[name] = measured(scenario, plan)
        print(name, found, flush=True)
        if scenario.boundary is not None:
            passed = found["promoted"] / given.runs
            figures.append(Figure(f"{name}: passed", passed, "", bound(plan.beta, given.runs)))
            continue
        figures.append(Figure(f"{name}: rolled back", found["rolled_back"] / given.runs, "", bound(plan.alpha, given.runs)))
        if name in ("null", "null-clean"):
            figures.append(Figure(f"{name}: promoted", found["promoted"] / given.runs, "", PROMOTED, "at least"))
            figures.append(Figure(f"{name}: median time", found["minutes"]["p50"] or math.nan, "min", MEDIAN_MINUTES))
    if "null-sticky" in chosen:
        by_request = replace(SCENARIOS["null-sticky"], counted_by_user=False)
        found = details["null-sticky, counted by request"] = measured(by_request, plan)
        figures.append(Figure("null-sticky, counted by request: rolled back", found["rolled_back"] / given.runs))
    how = f"plan {plan.name}, {given.runs} runs a line at {given.rps:g} requests a second, seed {given.seed}"
    return finish("error-bounds", how, figures, details)


if __name__ == "__main__":
    raise SystemExit(main())
