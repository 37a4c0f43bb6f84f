"""`tfx-rollout feedback`: labels that came later than the predictions they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.options import control_options, json_option, model_option
from tfx_rollout.cli.progress import counted, progress

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place


@click.command()
@click.argument("rows", metavar="FILE|-", type=click.File(encoding="utf-8", errors="replace"))
@control_options
@model_option
@json_option
def feedback(rows: TextIO, place: Place, model: str, as_json: bool) -> None:
    """Tell by request id whether predictions were right, or what the true labels are.

    FILE has JSON Lines, - reads them from stdin: {"request_id": "…", "correct": true}, or
    {"request_id": "…", "label": 1}, which may have the "prediction" beside it, or for the metric
    of an A/B test {"request_id": "…", "metric": "…", "value": 1}. The request id is the header
    x-request-id of the gateway's answer. All rows are taken in or none; the first row about an id counts.
    """
    with progress("Rows read", None) as tell:
        taken = place.control().give_feedback(model, counted(rows, tell))
    if as_json:
        print_document(taken)
    else:
        click.echo(f"{model}: {taken.new} new, {taken.known} known before")
