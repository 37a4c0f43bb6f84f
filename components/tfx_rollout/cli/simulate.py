"""`tfx-rollout simulate`: the judge on simulated traffic."""

from __future__ import annotations

from typing import Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.progress import progress
from tfx_rollout.cli.tables import print_table


@click.command()
@click.option("--scenario", "name", required=True, help="What happens: `null`, `errors-x5`, …; an unknown one lists them all.")
@click.option("--runs", type=click.IntRange(1), default=200, show_default=True, help="Rollouts to simulate.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same rollouts.")
@click.option("--rps", type=click.FloatRange(0, min_open=True), default=50.0, show_default=True, help="Requests per second.")
@click.option("--plan", "plan_name", default="default", show_default=True, help="A plan's name, or a YAML or JSON file.")
@click.option(
    "--hours",
    type=click.FloatRange(0, min_open=True),
    default=4.0,
    show_default=True,
    help="A rollout without a decision by then is undecided.",
)
@json_option
def simulate(name: str, runs: int, seed: int, rps: float, plan_name: str, hours: float, as_json: bool) -> None:
    """Simulate rollouts by a plan: how they end, how long it takes, what the canary serves meanwhile.

    The decisions are those of the very judge that decides live rollouts. A person who is asked about drift says no, which
    counts as rolled back. Percentiles of the minutes are over the decided rollouts, the others over all of them. Minutes do not
    have loading, nor the time that it takes to bring a split in force.
    """
    from tfx_rollout.rollout import load_plan
    from tfx_rollout.rollout.simulation import processors, scenario_named, summary
    from tfx_rollout.rollout.simulation import simulate as run

    scenario, plan = scenario_named(name), load_plan(plan_name)
    with progress(f"Simulating {name}", runs) as report:
        found = run(
            scenario, plan, runs=runs, rps=rps, seed=seed, most_seconds=3600 * hours, workers=processors(), progress=report
        )
    document = {
        "scenario": name,
        "plan": plan.name,
        "seed": seed,
        "rps": scenario.rps(rps),
        "hours": hours,
        **summary(found),
    }
    if as_json:
        print_json(document)
        return
    _show(document, scenario.text)


def _show(document: dict[str, Any], text: str) -> None:
    runs = document["runs"]
    print_table(
        f"{document['scenario']}: {text}. By plan {document['plan']}, at {document['rps']:g} requests a second",
        ("outcome", "runs", "share"),
        (
            (outcome.replace("_", " "), document[outcome], f"{document[outcome] / runs:.1%}")
            for outcome in ("promoted", "rolled_back", "undecided")
        ),
    )
    stages = {f"minutes in stage {n}": spread for n, spread in enumerate(document["stage_minutes"], start=1)}
    rows = {"minutes to the decision": document["minutes"], **stages}
    rows |= {"requests to the canary": document["canary_requests"], "failed of them": document["canary_failures"]}
    print_table("", ("", "p10", "median", "p90"), ((what, *(figure(spread[p]) for p in spread)) for what, spread in rows.items()))
    if document["asked"]:
        click.echo(f"{document['asked']} of the rolled back ones ended when a person was asked.")


def figure(value: float | None) -> str | None:
    """A figure of a table: one digit after the point, if that."""
    return None if value is None else f"{value:,.1f}".removesuffix(".0")
