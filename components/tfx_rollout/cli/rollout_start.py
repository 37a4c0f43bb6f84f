"""`tfx-rollout rollout start` and `watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option
from tfx_rollout.cli.rollout_choice import id_argument, newest

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place

plain_option = click.option("--plain", is_flag=True, help="One line after the other on a terminal too, instead of a view.")


@click.command()
@control_options
@model_option
@click.option("--version", type=click.IntRange(0), help="The candidate.  [default: the newest version]")
@click.option("--plan", "plan_name", default="default", show_default=True, help="A plan's name, or a YAML or JSON file.")
@click.option("--watch", "and_watch", is_flag=True, help="Go on with `watch`; its exit code is then the command's.")
@plain_option
@asking_options
@json_option
def start(
    place: Place,
    model: str,
    version: int | None,
    plan_name: str,
    and_watch: bool,
    plain: bool,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """Start a rollout of a version; the supervisor carries it out, and the command does not wait for it.

    Where nothing is live yet the version goes live without a canary.
    """
    from tfx_rollout.cli.watch import follow
    from tfx_rollout.control.documents import RolloutWanted

    control = place.control(by)
    started = control.start_rollout(model, RolloutWanted(version=version, plan=_plan(plan_name), why=why))
    if as_json and not and_watch:
        print_json({"rollout": started.id, "model": model, "version": started.version, "plan": started.plan})
    elif not as_json:
        click.echo(f"rollout {started.id}: version {started.version} of {model} by plan {started.plan}")
    place.warn_when_unserved()
    if and_watch:
        raise SystemExit(follow(control, model, started.id, plain=plain, as_json=as_json))


@click.command()
@id_argument
@control_options
@model_option
@click.option("--until-decided", is_flag=True, help="End also when all stages have passed and it holds; exit code 0.")
@plain_option
@json_option
def watch(rollout_id: str | None, place: Place, model: str, until_decided: bool, plain: bool, as_json: bool) -> None:
    """Follow a rollout to its end: on a terminal as a view of how it stands, else line by line from its first event on.

    Exit code 0 when the version was promoted (or went live as the first one), 1 when it was rolled
    back or the rollout failed, 130 after Ctrl-C, which leaves the rollout alone. With --json one
    document a line; the last one is the report.
    """
    from tfx_rollout.cli.watch import follow

    control = place.control()
    chosen = rollout_id or newest(control, model)
    place.warn_when_unserved()
    raise SystemExit(follow(control, model, chosen, until_decided=until_decided, plain=plain, as_json=as_json))


def _plan(name: str) -> str | dict[str, Any]:
    """The name of a plan that ships with the program, or the whole document of one in a file here."""
    from tfx_rollout.rollout import built_in_plans, load_plan

    return name if name in built_in_plans() else load_plan(name).to_json()
