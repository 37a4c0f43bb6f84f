"""How the built-in plans decide on simulated traffic: the figures in docs/plan.md.

`make bench NAME=plan-figures`. Takes some minutes on two cores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from harness import Figure, finish

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import Behaviour, Latency, Simulated, simulate


@dataclass(frozen=True)
class Case:
    """One scenario under one plan, and the share of runs that must end as they should."""

    plan: str
    name: str
    stable: Behaviour
    canary: Behaviour
    right: str
    bar: float | None = None


@dataclass(frozen=True)
class Setting:
    """A plan with the traffic that it is measured under."""

    plan: str
    rps: float
    runs: int
    most_seconds: float
    latency: Latency


SETTINGS = (
    Setting("demo", 120, 200, 600, Latency(4.0, 0.5)),
    Setting("default", 50, 100, 4 * 3600, Latency(5.0, 0.6)),
)


def cases(setting: Setting) -> Iterator[Case]:
    """The scenarios; every share that is named in the docs."""

    def version(failures: float = 0.0, slower: float = 1.0) -> Behaviour:
        return Behaviour(failures, replace(setting.latency, median_ms=slower * setting.latency.median_ms))

    def case(name: str, stable: Behaviour, canary: Behaviour, right: str, bar: float | None = None) -> Case:
        return Case(setting.plan, name, stable, canary, right, bar)

    demo = setting.plan == "demo"
    yield case("sound, no failure at all", version(), version(), "promoted", 0.95)
    yield case("sound, both fail 0.1 %", version(0.001), version(0.001), "promoted", 0.95)
    yield case("sound, both fail 0.5 %", version(0.005), version(0.005), "promoted", None if demo else 0.95)
    for percent in (0.5, 1.0, 1.4, 10, 50):
        yield case(f"canary fails {percent:g} %", version(), version(percent / 100), "rolled_back", 0.95)
    yield case("failures 0.5 % → 2.5 %", version(0.005), version(0.025), "rolled_back", 0.95)
    yield case("latency × 1.2", version(), version(slower=1.2), "promoted" if demo else "rolled_back", 0.95)
    yield case("latency × 1.5", version(), version(slower=1.5), "promoted" if demo else "rolled_back", 0.95)


def one_run(case: Case, setting: Setting, seed: int) -> Simulated:
    """One simulated rollout."""
    plan = load_plan(case.plan)
    return simulate(plan, case.stable, case.canary, rps=setting.rps, seed=seed, most_seconds=setting.most_seconds)


def summary(found: list[Simulated]) -> dict[str, Any]:
    """Counts of the decisions, and p10, p50, p90 of time, canary requests and canary failures."""
    decided = [run for run in found if run.decision != "undecided"]

    def spread(values: list[float]) -> list[float]:
        return [round(float(v), 1) for v in np.percentile(values, [10, 50, 90])] if values else []

    return {
        "runs": len(found),
        **{decision: sum(run.decision == decision for run in found) for decision in ("promoted", "rolled_back", "undecided")},
        "seconds": spread([run.seconds for run in decided]),
        "canary_requests": spread([float(run.canary_requests) for run in decided]),
        "canary_failures": spread([float(run.canary_failures) for run in decided]),
        "from_one_window": sum(run.raising_windows < 2 for run in found if run.decision == "rolled_back"),
    }


def main() -> int:
    """Run every scenario and show the table."""
    figures, details = [], {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for setting in SETTINGS:
            for case in cases(setting):
                found = list(pool.map(partial(one_run, case, setting), range(setting.runs), chunksize=10))
                result = summary(found)
                name = f"{case.plan} at {setting.rps:g}/s: {case.name}"
                details[name] = result
                print(name, result, flush=True)
                figures.append(Figure(f"{name}, {case.right}", result[case.right] / setting.runs, "", case.bar, "at least"))
    return finish("plan-figures", "the judge on simulated independent requests, seeds from 0", figures, details)


if __name__ == "__main__":
    raise SystemExit(main())
