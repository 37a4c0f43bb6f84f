"""`tfx-rollout rollback`: back to the version that was live before."""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import by_and_why_options, existing_model, json_option, model_option, root_option


@click.command()
@root_option
@model_option
@by_and_why_options
@json_option
def rollback(root: Path, model: str, by: str, why: str, as_json: bool) -> None:
    """Make the version before the live one live again, at once: it was kept loaded.

    Refused while a rollout runs: `tfx-rollout rollout rollback` ends that one.
    """
    from tfx_rollout.rollout import rollback_to_previous

    state = rollback_to_previous(existing_model(root, model), by=by, why=why)
    if as_json:
        print_json(state.to_json())
    else:
        click.echo(
            f"{model}: version {state.stable} is to be live again instead of {state.previous} (generation {state.generation})"
        )
