"""`tfx-rollout plan forecast`: what a plan will take, before anything starts."""

from __future__ import annotations

from typing import Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.progress import progress
from tfx_rollout.cli.simulate import figure
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
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Simulated rollouts of the good model; half as many of each bad one.",
)
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
    from tfx_rollout.rollout.simulation import ROLLED_BACK, Order, processors, simulate_all, summary
    from tfx_rollout.rollout.simulation.forecast import BaseRates, good_model, regressions

    plan = load_plan(plan_name)
    base = BaseRates(rps, failure_rate, latency_ms, accuracy, labelled, label_minutes)
    good, *bad = (
        Order(scenario, plan, runs if scenario.null else -(-runs // 2), rps, seed, 3600 * hours)
        for scenario in (good_model(base), *regressions(base))
    )
    with progress("Simulating", sum(order.runs for order in (good, *bad))) as report:
        of_good, *of_bad = simulate_all([good, *bad], workers=processors(), progress=report)
    lines = []
    for order, found in zip(bad, of_bad, strict=True):
        caught = summary(found.chosen(found.decision == ROLLED_BACK))
        cost = {name: caught[name] for name in ("minutes", "canary_requests", "canary_failures")}
        lines.append({"scenario": order.scenario.name, "what": order.scenario.text, **summary(found), **cost})
    document = {
        "plan": plan.name,
        "rps": rps,
        "hours": hours,
        "seed": seed,
        "good": {"scenario": good.scenario.name, "what": good.scenario.text, **summary(of_good)},
        "regressions": lines,
    }
    if as_json:
        print_json(document)
        return
    _show(document, [f"{number}: {stage.kind} {stage.mirror or stage.share:.2%}" for number, stage in enumerate(plan.stages, 1)])


def _show(document: dict[str, Any], stages: list[str]) -> None:
    good = document["good"]
    print_table(
        f"A good model under plan {document['plan']} at {document['rps']:g} requests a second:"
        f" promoted in {good['promoted'] / good['runs']:.1%} of {good['runs']} simulated rollouts",
        ("stage", "minutes p10", "median", "p90"),
        (
            (name, *map(figure, spread.values()))
            for name, spread in zip([*stages, "to the decision"], [*good["stage_minutes"], good["minutes"]], strict=True)
        ),
    )
    print_table(
        f"Until a bad model is caught (within {document['hours']:g} hours)",
        ("regression", "rolled back", "minutes median", "p90", "requests to the canary median", "p90", "failed of them median"),
        (
            (
                line["what"],
                f"{line['rolled_back'] / line['runs']:.1%}",
                figure(line["minutes"]["p50"]),
                figure(line["minutes"]["p90"]),
                figure(line["canary_requests"]["p50"]),
                figure(line["canary_requests"]["p90"]),
                figure(line["canary_failures"]["p50"]),
            )
            for line in document["regressions"]
        ),
    )
    asked = [line["what"] for line in document["regressions"] if line["asked"]]
    if asked:
        click.echo(f"A person is asked, and is taken to say no, in rollouts with this: {'; '.join(asked)}.")
