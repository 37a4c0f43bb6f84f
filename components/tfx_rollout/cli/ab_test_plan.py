"""`tfx-rollout ab-test check` and `schema`: a plan before it is used."""

from __future__ import annotations

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.tables import print_table


@click.command()
@click.argument("plan")
@json_option
def check(plan: str, as_json: bool) -> None:
    """Check the plan in a YAML or JSON file, or an example by its name, and show it with every default filled in.

    A plan with faults is refused with all of them at once.
    """
    from tfx_rollout.experiment import load_experiment_plan

    found = load_experiment_plan(plan)
    document = found.to_json()
    if as_json:
        print_json(document)
        return
    shares = {"stable": found.split.stable / 10_000, **{str(t): units / 10_000 for t, units in found.split.variants.items()}}
    versions = {"stable": "the live one", **{str(track): str(found.version_of(track)) for track in found.tracks}}
    print_table(
        f"A/B test {found.name}",
        ("arm", "version", "share"),
        ((arm, versions[arm], f"{share:.2%}") for arm, share in shares.items()),
    )
    metric = found.metric
    click.echo(f"Users are told apart by the header {found.header}; those without it are answered and not counted.")
    judged = f"{metric.name} ({metric.kind}, {metric.better} is better)"
    click.echo(f"It is judged by {judged}, from feedback within {metric.within_seconds:g} s.")
    click.echo(f"A false decision has a chance of at most {found.alpha:g} (alpha). After a decision: {found.on_decision}.")


@click.command()
def schema() -> None:
    """Print the JSON Schema of the plan of an A/B test, for editors and other tools."""
    from tfx_rollout.experiment import experiment_schema

    print_json(experiment_schema())
