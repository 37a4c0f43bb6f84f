"""`tfx-rollout feedback`: labels that came later than the predictions they are about."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import existing_model, json_option, model_option, root_option


@click.command()
@click.argument("rows", metavar="FILE|-", type=click.File(encoding="utf-8", errors="replace"))
@root_option
@model_option
@json_option
def feedback(rows: TextIO, root: Path, model: str, as_json: bool) -> None:
    """Tell by request id whether predictions were right, or what the true labels are.

    FILE has JSON Lines, - reads them from stdin: {"request_id": "…", "correct": true}, or
    {"request_id": "…", "label": 1}, which may have the "prediction" beside it. The request id
    is the header x-request-id of the gateway's answer. All rows are taken in or none; the
    first row about an id counts.
    """
    from tfx_rollout.evidence.feedback import append_feedback

    taken = append_feedback(existing_model(root, model), rows)
    if as_json:
        print_json({"model": model, "new": taken.new, "known": taken.known})
    else:
        click.echo(f"{model}: {taken.new} new, {taken.known} known before")
