"""`tfx-rollout rollback`: back to the version that was live before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.changes import change_options, tell_change
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place


@click.command()
@control_options
@model_option
@change_options
@asking_options
@json_option
def rollback(place: Place, model: str, expected: int | None, dry_run: bool, by: str | None, why: str, as_json: bool) -> None:
    """Make the version before the live one live again, at once: it was kept loaded.

    Refused while a rollout runs: `tfx-rollout rollout rollback` ends that one.
    """
    change = place.control(by).roll_back(model, why=why, expected=expected, dry_run=dry_run)
    labels = change.configuration.desired["labels"]
    tell_change(
        change, f"{model}: version {labels['stable']} is to be live again instead of {labels.get('previous')}", as_json=as_json
    )
