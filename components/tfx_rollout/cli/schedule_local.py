"""`tfx-rollout schedule local` and `export`: schedules without Kubeflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.tables import print_table
from tfx_rollout.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    pass

_FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def local() -> None:
    """Schedules that run here, without Kubeflow."""


_STATE = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The scheduler's folder: next times, runs, logs and history. Local to this machine.",
)


@local.command("run")
@_FILE
@_STATE
@click.option("--grace", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds that runs get at a stop.")
@click.option(
    "--late",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1),
    help="A time noticed later than so many seconds is left out.",
)
def local_run(file: Path, state: Path, grace: float, late: float) -> None:
    """Run the schedules of FILE in the foreground, until Ctrl-C or SIGTERM.

    At a stop, runs get the grace and are then told to end. When this process is killed its runs go
    on; started again, it finds them, and starts none a second time. What was missed meanwhile is
    told in the history and not made up for.
    """
    import logging

    from tfx_rollout.schedule.local_document import load_local_schedules

    schedules = load_local_schedules(file)
    try:
        from tfx_rollout.schedule.service import LocalScheduler
    except ModuleNotFoundError as fault:
        raise InvalidInput(
            f"The scheduler needs {fault.name}, which is not installed; pip install 'tfx-rollout[schedule]'."
        ) from fault
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    LocalScheduler(schedules, state, grace_seconds=grace, late_seconds=late).run()


@local.command("check")
@_FILE
def local_check(file: Path) -> None:
    """Check a file of schedules, and say when they start next."""
    from datetime import datetime, timezone

    from tfx_rollout.schedule.local_document import load_local_schedules
    from tfx_rollout.schedule.trigger import written

    for found in load_local_schedules(file):
        first = found.trigger.first(datetime.now(timezone.utc)) if found.enabled else None
        click.echo(f"{found.name}: {found.trigger}; {'no time' if first is None else f'first at {written(first)}'}")


@local.command()
@_STATE
@click.argument("name", required=False)
@json_option
def history(state: Path, name: str | None, as_json: bool) -> None:
    """List what became of each time, newest last."""
    from tfx_rollout.schedule.run_folder import ScheduleFolder

    known = sorted(folder.name for folder in state.iterdir() if (folder / "runs").is_dir()) if state.is_dir() else []
    if name is not None and name not in known:
        raise NotFound("schedule", name, str(state), known)
    records = [(each, record) for each in ([name] if name else known) for record in ScheduleFolder(state, each).history()]
    if as_json:
        print_json([{"schedule": each, **record.to_json()} for each, record in records])
        return
    print_table(
        f"Runs in {state}",
        ("schedule", "run", "outcome", "exit code", "started", "ended", "reason"),
        ((each, r.run, r.outcome.replace("_", " "), r.exit_code, r.started, r.ended, r.reason) for each, r in records),
    )


@click.command()
@_FILE
@click.option("--format", "form", type=click.Choice(["cron", "systemd"]), required=True, help="For which scheduler.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the systemd units.  [default: print them]"
)
@click.option("--program", default="tfx-rollout", show_default=True, help="The command `tfx-rollout` as that machine finds it.")
def export(file: Path, form: str, out: Path | None, program: str) -> None:
    """Write the schedules of FILE (as `local run` takes them) for cron or systemd; installs nothing."""
    from tfx_rollout.model_store import make_folder, write_text
    from tfx_rollout.schedule.export import crontab, systemd_units
    from tfx_rollout.schedule.local_document import load_local_schedules

    schedules = load_local_schedules(file)
    if form == "cron":
        click.echo(crontab(schedules, program=program), nl=False)
        return
    units = systemd_units(schedules, program=program)
    if out is not None:
        make_folder(out)
    for name, text in units.items():
        if out is None:
            click.echo(f"# {name}\n{text}")
        else:
            write_text(out / name, text)
            click.echo(str(out / name))
