"""The scenarios that can be simulated, by name: frozen descriptions of traffic, versions and labels.

Unless a scenario says otherwise both versions fail on 0.5 % of the requests, answer in log-normal times (median 5 ms,
sigma 0.6), predict ten classes equally often and 10 % wrongly, and labels come for 60 % of the predictions, most
of them two minutes later.

- `null…`: the candidate is exactly as good as the stable version. What is rolled back here is rolled back falsely.
- `errors…`, `latency…`, `slow-tail`, `accuracy…`, `class-shift`: the candidate is worse, or different, in one way.
- `boundary-<percent>`: the gate of the stage with this share, alone, meets a candidate that is exactly bad: see `arranged`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tfx_rollout.errors import InvalidInput
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.simulation.behaviour import (
    Arrival,
    Behaviour,
    Incident,
    Labels,
    Slowdown,
    Stalls,
    Users,
)

USER_HEADER = "x-user-id"
"""The header that names the simulated users."""


@dataclass(frozen=True)
class Scenario:
    """What is sent, and what the two versions make of it."""

    name: str
    text: str
    """What it is, in a line."""
    stable: Behaviour = Behaviour()
    canary: Behaviour = Behaviour()
    from_share: float = 0.0
    """The candidate behaves as `canary` where it gets this share or more, and like `stable` below it."""
    most_rps: float | None = None
    """Requests per second that it has at most, however many are asked for."""
    incident: Incident | None = None
    slowdown: Slowdown | None = None
    labels: Labels = Labels()
    users: Users | None = None
    counted_by_user: bool = True
    """Whether sticky users are compared as such; otherwise their requests are, which is wrong and shows why."""
    stalls: Stalls | None = None
    boundary: float | None = None
    """Share of the stage whose gate alone is tested."""

    @property
    def null(self) -> bool:
        """Whether the candidate is exactly as good as the stable version."""
        return self.boundary is None and self.canary == self.stable

    def rps(self, asked: float) -> float:
        """Requests per second, where this many were asked for."""
        return asked if self.most_rps is None else min(asked, self.most_rps)


_BASE = Behaviour()


def _errors(rate: float) -> Behaviour:
    return replace(_BASE, failure_rate=rate)


def _latency(**changes: float) -> Behaviour:
    return replace(_BASE, latency=replace(_BASE.latency, **changes))


def _scenarios() -> list[Scenario]:
    clean = _errors(0.0)
    early_wrong = Labels(Arrival(0.5, 600.0, 0.8), Arrival(0.9, 60.0, 0.8), slower_from=900.0, slower=2.0)
    shifted = replace(_BASE, classes=(0.2, *(0.8 / 9,) * 9))
    return [
        Scenario("null", "no difference"),
        Scenario("null-clean", "no difference, and not a single failure", clean, clean),
        Scenario(
            "null-incident-ramp",
            "no difference; ten times the failures for five minutes and latencies that grow by 30 % hit both versions",
            incident=Incident(),
            slowdown=Slowdown(),
        ),
        Scenario("null-low-traffic", "no difference, at 2 requests a second at most", most_rps=2.0),
        Scenario(
            "null-sticky", "no difference; users stay with their version, and some fail on every fifth request", users=Users()
        ),
        Scenario(
            "null-delayed-labels",
            "no difference; labels of wrong predictions come sooner and more often, and all of them later as time goes on",
            labels=early_wrong,
        ),
        Scenario("null-stalls", "no difference; both servers stop for 50 ms every other second", stalls=Stalls()),
        Scenario("errors-x2", "failures 0.5 % → 1 %", canary=_errors(0.01)),
        Scenario("errors-x5", "failures 0.5 % → 2.5 %", canary=_errors(0.025)),
        Scenario("errors-10pct", "failures 0.5 % → 10 %", canary=_errors(0.10)),
        Scenario("errors-50pct", "failures 0.5 % → 50 %", canary=_errors(0.50)),
        Scenario(
            "errors-under-load", "failures 0.5 % → 2.5 %, from 25 % of the traffic on", canary=_errors(0.025), from_share=0.25
        ),
        Scenario("latency-x1.2", "latency × 1.2", canary=_latency(median_ms=6.0)),
        Scenario("latency-x1.5", "latency × 1.5", canary=_latency(median_ms=7.5)),
        Scenario("slow-tail", "the slowest 3 % take 1.5 times as long", canary=_latency(tail_share=0.03, tail_factor=1.5)),
        Scenario("accuracy-3pt", "accuracy 90 % → 87 %", canary=replace(_BASE, wrong_rate=0.13)),
        Scenario("accuracy-10pt", "accuracy 90 % → 80 %", canary=replace(_BASE, wrong_rate=0.20)),
        Scenario("class-shift", "one of ten classes is predicted in 20 % instead of 10 %", canary=shifted),
        *(
            Scenario(f"boundary-{percent}", f"exactly bad at the gate of {percent} %, that gate alone", boundary=percent / 100)
            for percent in (1, 5, 25, 50)
        ),
    ]


SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _scenarios()}
"""All scenarios by name, in the order in which they are listed."""


def scenario_named(name: str) -> Scenario:
    """The scenario of this name. `InvalidInput` lists those that there are."""
    if name not in SCENARIOS:
        raise InvalidInput(f"There is no scenario {name!r}; choose one of {', '.join(SCENARIOS)}.")
    return SCENARIOS[name]


def arranged(scenario: Scenario, plan: Plan) -> tuple[Scenario, Plan]:
    """The scenario and the plan as they are simulated together.

    Sticky users are compared as users (`unit: user`), as a plan for sticky traffic has it, unless the scenario says otherwise.

    A boundary takes the plan's stage of that share alone, with its gate for errors alone and rollbacks switched
    off (an alpha of almost nothing); "promoted" then means that a bad candidate has passed the gate, which may happen with a
    probability of beta. The candidate is at the corner where both senses of bad are met exactly: it fails at the stage's
    `max_failure_rate`, and stable's odds of failing are its own divided by `bad_odds_ratio`. Raises
    `InvalidInput` where the plan has no such stage.
    """
    if scenario.users is not None and scenario.counted_by_user:
        plan = replace(plan, unit="user", unit_header=plan.unit_header or USER_HEADER)
    if scenario.boundary is None:
        return scenario, plan
    stage = next((s for s in plan.stages if s.kind == "canary" and s.share == scenario.boundary), None)
    if stage is None:
        shares = ", ".join(f"{s.share:g}" for s in plan.stages if s.kind == "canary")
        raise InvalidInput(
            f"Scenario {scenario.name} needs a stage with a share of {scenario.boundary:g}, and plan {plan.name} has {shares};"
            " choose another scenario or plan."
        )
    odds = stage.max_failure_rate / (1 - stage.max_failure_rate) / stage.bad_odds_ratio
    gate_alone = replace(
        plan,
        stages=(stage,),
        alpha=1e-300,
        latency=replace(plan.latency, weight=0.0),
        predictions=replace(plan.predictions, weight=0.0),
        accuracy=replace(plan.accuracy, weight=0.0),
        limits=replace(plan.limits, weight=0.0),
    )
    bad = replace(scenario, stable=_errors(odds / (1 + odds)), canary=_errors(stage.max_failure_rate))
    return bad, gate_alone
