"""`tfx-rollout plan forecast`: what a plan will take, before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.simulate import progress
from tfx_rollout.cli.tables import print_table


@click.command()
@click.option("--plan", "plan_name", default="default", show_default=True, help="A plan's name, or a YAML or JSON file.")
@click.option("--rps", type=float, default=50.0, show_default=True, help="Requests per second to expect.")
@click.option("--failure-rate", type=float, default=0.005, show_default=True, help="Share of the requests that stable fails.")
@click.option("--latency-ms", type=float, default=5.0, show_default=True, help="Stable's median latency in milliseconds.")
@click.option("--accuracy", type=float, default=0.9, show_default=True, help="Share of stable's predictions that are right.")
@click.option(
    "--labelled", type=float, default=0.6, show_default=True, help="Share of the predictions whose labels come; 0 for none."
)
@click.option("--label-minutes", type=float, default=2.0, show_default=True, help="Median time that a label takes.")
@click.option(
    "--hours", type=click.FloatRange(0, min_open=True), default=4.0, show_default=True, help="Looks no further than this."
)
@click.option("--runs", type=click.IntRange(1), default=200, show_default=True, help="Simulated rollouts behind each line.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same figures.")
@json_option
def forecast(
    plan_name: str,
    rps: float,
    failure_rate: float,
    latency_ms: float,
    accuracy: float,
    labelled: float,
    label_minutes: float,
    hours: float,
    runs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Forecast a plan: time per stage for a good model, and how soon and at what cost a bad one is caught.

    From rollouts simulated with the judge that decides live ones. Latencies are taken as log-normal with sigma 0.6, requests
    as independent, predictions as ten classes.
    """
    from tfx_rollout.rollout import load_plan
    from tfx_rollout.rollout.simulation import ROLLED_BACK, processors, simulate, summary
    from tfx_rollout.rollout.simulation.forecast import BaseRates, good_model, regressions

    plan = load_plan(plan_name)
    base = BaseRates(rps, failure_rate, latency_ms, accuracy, labelled, label_minutes)
    scenarios = [good_model(base), *regressions(base)]
    lines = []
    with progress("Simulating", runs * len(scenarios)) as report:
        for number, scenario in enumerate(scenarios):
            found = simulate(
                scenario,
                plan,
                runs=runs,
                rps=rps,
                seed=seed,
                most_seconds=3600 * hours,
                workers=processors(),
                progress=partial(_report, report, runs * number),
            )
            caught = summary(found.chosen(found.decision == ROLLED_BACK)) if number else {}
            lines.append({"scenario": scenario.name, "what": scenario.text, **summary(found), **_cost(caught)})
    good, *bad = lines
    document = {"plan": plan.name, "rps": rps, "hours": hours, "seed": seed, "good": good, "regressions": bad}
    if as_json:
        print_json(document)
        return
    _show(document, [f"{number}: {stage.kind} {stage.mirror or stage.share:.2%}" for number, stage in enumerate(plan.stages, 1)])


def _report(report: Callable[[int], object], before: int, done: int) -> None:
    report(before + done)


def _cost(caught: dict[str, Any]) -> dict[str, Any]:
    """Time and cost of the rollouts that were rolled back alone."""
    return {name: caught[name] for name in ("minutes", "canary_requests", "canary_failures") if name in caught}


def _show(document: dict[str, Any], stages: list[str]) -> None:
    good, runs = document["good"], document["good"]["runs"]
    print_table(
        f"A good model under plan {document['plan']} at {document['rps']:g} requests a second:"
        f" promoted in {good['promoted'] / runs:.1%} of {runs} simulated rollouts",
        ("stage", "minutes p10", "median", "p90"),
        (
            *((name, *spread.values()) for name, spread in zip(stages, good["stage_minutes"], strict=True)),
            ("to the decision", *good["minutes"].values()),
        ),
    )
    print_table(
        f"Until a bad model is caught (within {document['hours']:g} hours)",
        ("regression", "rolled back", "minutes median", "p90", "requests to the canary median", "p90", "failed of them median"),
        (
            (
                line["what"],
                f"{line['rolled_back'] / runs:.1%}",
                line["minutes"]["p50"],
                line["minutes"]["p90"],
                line["canary_requests"]["p50"],
                line["canary_requests"]["p90"],
                line["canary_failures"]["p50"],
            )
            for line in document["regressions"]
        ),
    )
