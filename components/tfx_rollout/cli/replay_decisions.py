"""`tfx-rollout replay-decisions`: a recorded rollout under another plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import existing_model, json_option, model_option, root_option
from tfx_rollout.cli.tables import clock_time, print_table

if TYPE_CHECKING:
    from tfx_rollout.rollout.counterfactual import Step

LIMITS = (
    "Shares of traffic, windows and what counts as a unit are those that were recorded. After the first difference"
    " traffic would have been another one, and what follows is what the plan would have said had all gone on as it did."
)


@click.command("replay-decisions")
@click.argument("rollout_id", metavar="ROLLOUT")
@click.option("--plan", "plan_name", required=True, help="The other plan: a name, or a YAML or JSON file.")
@root_option
@model_option
@json_option
def replay_decisions(rollout_id: str, plan_name: str, root: Path, model: str, as_json: bool) -> None:
    """Judge the windows of the recorded ROLLOUT by another plan, and show where it would have decided otherwise.

    The other plan is held against the recorded stages: each takes margins and times from its stage with the nearest share.
    """
    from tfx_rollout.rollout import load_plan, read_rollout
    from tfx_rollout.rollout.counterfactual import counterfactual

    other, record = load_plan(plan_name), read_rollout(existing_model(root, model), rollout_id)
    steps = counterfactual(other, record.plan, record.windows, record.verdicts, record.events, record.state.attempt)
    if as_json:
        print_json(
            {
                "rollout": rollout_id,
                "model": model,
                "recorded_plan": record.plan.name,
                "plan": other.name,
                "outcome": record.state.outcome,
                "windows": [step.to_json() for step in steps],
                "differences": sum(step.differs for step in steps),
                "limits": LIMITS,
            }
        )
        return
    different = [step for step in steps if step.differs]
    if different:
        print_table(
            f"Windows of rollout {rollout_id} after which plan {other.name} says something else than {record.plan.name} did",
            ("window", "ended", "stage", "canary", record.plan.name, other.name, "evidence", "because"),
            (_row(step) for step in different),
        )
    click.echo(f"{len(different)} of {len(steps)} windows differ. {LIMITS}")


def _row(step: Step) -> tuple[object, ...]:
    return (
        step.window,
        clock_time(step.end),
        step.stage + 1,
        f"{step.share:.2%}",
        step.recorded.call if step.recorded else None,
        step.other.call,
        f"{step.other.e_value:.3g} of {step.other.threshold:g}",
        step.other.reasons[0] if step.other.reasons else None,
    )
