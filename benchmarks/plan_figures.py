"""How the built-in plans decide on simulated traffic of other kinds: `demo` at its own rate, `default` where stable never fails.

`make bench NAME=plan-figures`. `--runs` sets how many runs each line has.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness import Figure, finish

from tfx_rollout.rollout import load_plan
from tfx_rollout.rollout.simulation import Behaviour, Latency, Scenario, simulate, summary


@dataclass(frozen=True)
class Setting:
    """A plan with the traffic that it is measured under."""

    plan: str
    rps: float
    hours: float
    latency: Latency


SETTINGS = (
    Setting("demo", 120, 1 / 6, Latency(4.0, 0.5)),
    Setting("default", 50, 4, Latency(5.0, 0.6)),
)


@dataclass(frozen=True)
class Case:
    """One scenario, and how its runs should end."""

    scenario: Scenario
    right: str
    bar: float | None = 0.95


def cases(setting: Setting) -> Iterator[Case]:
    """The scenarios that a setting is measured with."""

    def version(failures: float = 0.0, slower: float = 1.0, wrong: float = 0.10) -> Behaviour:
        latency = replace(setting.latency, median_ms=slower * setting.latency.median_ms)
        return Behaviour(failures, latency, wrong)

    def case(text: str, stable: Behaviour, canary: Behaviour, right: str, bar: float | None = 0.95) -> Case:
        return Case(Scenario(text, text, stable, canary), right, bar)

    demo = setting.plan == "demo"
    yield case("sound, no failure at all", version(), version(), "promoted")
    yield case("sound, both fail 0.1 %", version(0.001), version(0.001), "promoted")
    yield case("sound, both fail 0.5 %", version(0.005), version(0.005), "promoted", None if demo else 0.95)
    for percent in (0.5, 1.0, 1.4, 10, 50):
        yield case(f"canary fails {percent:g} %", version(), version(percent / 100), "rolled_back")
    yield case("failures 0.5 % → 1 %", version(0.005), version(0.01), "rolled_back", None if demo else 0.95)
    yield case("failures 0.5 % → 2.5 %", version(0.005), version(0.025), "rolled_back")
    yield case("latency × 1.2", version(), version(slower=1.2), "promoted" if demo else "rolled_back")
    yield case("latency × 1.5", version(), version(slower=1.5), "promoted" if demo else "rolled_back")
    if not demo:
        yield case("accuracy 90 % → 87 %", version(), version(wrong=0.13), "rolled_back", 0.90)
        yield case("accuracy 90 % → 80 %", version(), version(wrong=0.20), "rolled_back")


def main() -> int:
    """Run every scenario and show the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=400, help="runs of each line")
    runs = options.parse_args().runs
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for setting in SETTINGS:
        plan = load_plan(setting.plan)
        for case in cases(setting):
            found = summary(
                simulate(
                    case.scenario,
                    plan,
                    runs=runs,
                    rps=setting.rps,
                    most_seconds=3600 * setting.hours,
                    workers=os.cpu_count() or 1,
                )
            )
            name = f"{plan.name} at {setting.rps:g}/s: {case.scenario.text}"
            details[name] = found
            print(name, found, flush=True)
            figures.append(Figure(f"{name}, {case.right}", found[case.right] / runs, "", case.bar, "at least"))
    return finish("plan-figures", f"the judge on simulated independent requests, {runs} runs a line, seed 0", figures, details)


if __name__ == "__main__":
    raise SystemExit(main())
