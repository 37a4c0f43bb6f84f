"""`tfx-rollout plan`: look at a plan before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.forecast import forecast
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.tables import print_table

if TYPE_CHECKING:
    from tfx_rollout.rollout import Plan


class _ForecastByDefault(click.Group):
    """`plan --rps 50` is `plan forecast --rps 50`: what one asks of a plan before anything starts."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = bool(args) and args[0].startswith("-") and args[0] not in ctx.help_option_names
        return super().parse_args(ctx, ["forecast", *args] if options else args)


@click.group(cls=_ForecastByDefault)
def plan() -> None:
    """Forecast what a rollout by a plan takes, show a plan, or check one of your own.

    With options alone it is `plan forecast`.
    """


plan.add_command(forecast)


@plan.command()
@click.argument("name", default="default")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the plan NAME (`default`, `demo`) or the one in a YAML or JSON file, with every default filled in.

    A plan with faults is refused with all of them at once.
    """
    from tfx_rollout.rollout import load_plan

    found = load_plan(name)
    if as_json:
        print_json(found.to_json())
        return
    print_table(
        f"Plan {found.name}",
        ("stage", "kind", "share", "at least", "at most", "then", "bad from odds ratio", "bad from failure rate", "approval"),
        (
            (
                number,
                stage.kind,
                f"copies of {stage.mirror:.2%}" if stage.kind == "shadow" else f"{stage.share:.2%}",
                f"{stage.min_seconds:g} s",
                f"{stage.max_seconds:g} s",
                stage.on_inconclusive,
                f"{stage.bad_odds_ratio:g}" if stage.kind in ("shadow", "canary") else "",
                f"{stage.max_failure_rate:.2%}" if stage.kind in ("shadow", "canary") else "",
                "yes" if stage.approval else "no",
            )
            for number, stage in enumerate(found.stages, start=1)
        ),
    )
    for line in _sentences(found):
        click.echo(line)


@plan.command()
def schema() -> None:
    """Print the JSON Schema of a plan file, for editors and other tools."""
    from tfx_rollout.rollout import json_schema

    print_json(json_schema())


def _sentences(plan: Plan) -> list[str]:
    endings = {
        "blessing": "it holds until the blessing check promotes or rolls back; "
        f"after {plan.promotion_deadline_seconds:g} s without one it does this: {plan.on_deadline}",
        "approval": "it holds until a person promotes or rolls back; "
        f"after {plan.promotion_deadline_seconds:g} s without one it does this: {plan.on_deadline}",
        "automatic": "it is promoted",
    }
    weights = ", ".join(f"{name} {weight:.0%}" for name, weight in plan.weights().items())
    shares = ", ".join(f"{share:.2%}" for share in plan.step_back.shares)
    back = f"in steps of {plan.step_back.step_seconds:g} s: {shares}" if shares else "at once"
    return [
        f"A sound version is rolled back with a chance of at most {plan.alpha:g} (alpha);"
        f" a bad one passes a stage with a chance of at most {plan.beta:g} (beta).",
        f"Evidence by metric: {weights}. Compared are {'users' if plan.unit == 'user' else 'requests'}"
        f"{f', told apart by the header {plan.unit_header}' if plan.unit_header else ''}.",
        f"Windows of {plan.window_seconds:g} s, waiting {plan.waiting_seconds:g} s for late answers;"
        f" a stage needs {plan.min_windows} windows and {plan.min_requests} requests.",
        f"When the last stage has passed, {endings[plan.promotion]}. A rollback goes back {back}.",
        f"A rollout asked for while one runs: {plan.on_running}."
        f" The version before is {'kept loaded' if plan.keep_previous else 'unloaded'} after a promotion.",
    ]
