"""`tfx-rollout rollout approve`, `abort` and the like: orders to a rollout that is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option
from tfx_rollout.cli.rollout_choice import id_argument, running

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents.rollouts import OrderKind

revision_option = click.option(
    "--if-revision",
    "expected",
    metavar="TEXT",
    help="Only if it still stands as at this revision (`show --json`); else exit code 3.",
)


def _order_command(kind: OrderKind, text: str) -> click.Command:
    @click.command(kind, help=text)
    @id_argument
    @control_options
    @model_option
    @revision_option
    @asking_options
    @json_option
    def order(
        rollout_id: str | None, place: Place, model: str, expected: str | None, by: str | None, why: str, as_json: bool
    ) -> None:
        _send(rollout_id, place, model, kind, expected=expected, by=by, why=why, as_json=as_json)

    return order


approve = _order_command("approve", "Let a rollout that awaits an approval go on; what it asked about is not asked again.")
pause = _order_command("pause", "Halt a rollout: traffic stays as it is and is watched, the time does not count.")
resume = _order_command("resume", "Let a paused rollout go on with the time it had.")
skip = _order_command("skip", "Go to the next stage at once, without evidence for the present one.")
promote = _order_command("promote", "Make the candidate live for everybody, now; stages that are left are left out.")
abort = _order_command("abort", "End a rollout, waiting ones too, and return to what was before it.")


@click.command()
@id_argument
@control_options
@model_option
@click.option("--now", is_flag=True, help="At once, without the steps of the plan's way back.")
@revision_option
@asking_options
@json_option
def rollback(
    rollout_id: str | None,
    place: Place,
    model: str,
    now: bool,
    expected: str | None,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """Return to what was before the rollout."""
    _send(rollout_id, place, model, "rollback", expected=expected, by=by, why=why, as_json=as_json, now=now)


def _send(
    rollout_id: str | None,
    place: Place,
    model: str,
    kind: OrderKind,
    *,
    expected: str | None,
    by: str | None,
    why: str,
    as_json: bool,
    now: bool = False,
) -> None:
    from tfx_rollout.control.documents import OrderWanted

    control = place.control(by)
    chosen = rollout_id or running(control, model)
    sent = control.order(model, chosen, OrderWanted(kind=kind, why=why, now=now), expected=expected)
    if as_json:
        print_json({**sent.model_dump(mode="json"), "now": now})
    else:
        click.echo(f"rollout {chosen}: ordered to {kind}")
    place.warn_when_unserved()
