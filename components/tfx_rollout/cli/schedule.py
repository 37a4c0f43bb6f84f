"""`tfx-rollout schedule`: retraining at set times, on Kubeflow Pipelines or without it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asker, json_option, model_option, root_option
from tfx_rollout.cli.tables import print_table
from tfx_rollout.errors import InvalidInput, NotFound, StorageFault

if TYPE_CHECKING:
    from tfx_rollout.kfp.schedule import Change, RecurringRuns
    from tfx_rollout.kfp.schedule.found import Found
    from tfx_rollout.schedule.overlap import OnOverlap

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.argument("file", type=click.Path(path_type=Path))
_NAME = click.argument("name")


@click.group()
def schedule() -> None:
    """Retraining at set times.

    On Kubeflow Pipelines: `check`, `plan`, `apply`, `list`, `enable`, `disable`, `delete`. Without it:
    `local` runs a scheduler here, `export` writes the same for cron or systemd. `gate` keeps a
    retraining from overlapping a rollout or another retraining.
    """


def _server_options(command: F) -> F:
    command = click.option("--ca-cert", type=click.Path(path_type=Path, exists=True), help="Certificates to trust.")(command)
    command = click.option("--namespace", help="Kubernetes namespace, where Kubeflow has several users.  [default: the file's]")(
        command
    )
    command = click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        envvar="KF_PIPELINES_SA_TOKEN_PATH",
        show_envvar=True,
        help="File with the token to show; or the token itself in TFX_ROLLOUT_KFP_TOKEN.",
    )(command)
    return click.option(
        "--host",
        envvar="KF_PIPELINES_ENDPOINT",
        show_envvar=True,
        required=True,
        help="Address of Kubeflow Pipelines, such as http://localhost:8888.",
    )(command)


def _apply_options(command: F) -> F:
    command = click.option("--adopt", is_flag=True, help="Also replace recurring runs of these names that others made.")(command)
    return click.option(
        "--recreate", is_flag=True, help="Make all anew: pinned ones then run with the images of the present Kubeflow."
    )(command)


@schedule.command()
@_FILE
def check(file: Path) -> None:
    """Check a file of recurring runs, and say when they would start; needs no server."""
    from datetime import datetime, timezone

    from tfx_rollout.kfp.schedule import load_schedules
    from tfx_rollout.schedule.trigger import written

    for wanted in load_schedules(file)[1]:
        first = wanted.trigger.first(datetime.now(timezone.utc))
        said = "never again" if first is None else f"first at {written(first)}"
        if not wanted.enabled:
            said = "disabled"
        click.echo(f"{wanted.name}: {wanted.trigger}, {wanted.pipeline}; {said}")


@schedule.command()
@click.option("--local", is_flag=True, help="That of files for `schedule local` and `schedule export`.")
def schema(local: bool) -> None:
    """Print the JSON Schema of the file."""
    if local:
        from tfx_rollout.schedule.local_document import json_schema
    else:
        from tfx_rollout.kfp.schedule import json_schema
    print_json(json_schema())


@schedule.command()
@_FILE
@_server_options
@_apply_options
@json_option
def plan(
    file: Path,
    host: str,
    token_file: Path | None,
    namespace: str | None,
    ca_cert: Path | None,
    recreate: bool,
    adopt: bool,
    as_json: bool,
) -> None:
    """Say what `apply` would do and why; changes nothing."""
    from tfx_rollout.kfp.schedule import load_schedules
    from tfx_rollout.kfp.schedule import plan as planned

    files_namespace, schedules = load_schedules(file)
    server = _connected(host, token_file, namespace or files_namespace, ca_cert)
    changes = planned(server, schedules, recreate=recreate, adopt=adopt)
    if as_json:
        print_json([_change_row(change) for change in changes])
    else:
        click.echo("\n".join(line for change in changes for line in change.lines()))


@schedule.command("apply")
@_FILE
@_server_options
@_apply_options
@json_option
def apply_(
    file: Path,
    host: str,
    token_file: Path | None,
    namespace: str | None,
    ca_cert: Path | None,
    recreate: bool,
    adopt: bool,
    as_json: bool,
) -> None:
    """Make the recurring runs on the server what FILE declares.

    What is so already is left alone. All of the file is checked against the server first. An apply
    that breaks off on the way is completed by the next one, wherever it was; never are two of one
    name enabled.
    """
    from tfx_rollout.kfp.schedule import apply, load_schedules

    files_namespace, schedules = load_schedules(file)
    server = _connected(host, token_file, namespace or files_namespace, ca_cert)
    say = (lambda _: None) if as_json else click.echo
    applied = apply(server, schedules, recreate=recreate, adopt=adopt, say=say)
    if as_json:
        print_json([vars(done) for done in applied])


@schedule.command("list")
@_server_options
@json_option
def list_(host: str, token_file: Path | None, namespace: str | None, ca_cert: Path | None, as_json: bool) -> None:
    """List the recurring runs of the server, also those that others made."""
    found = sorted(_connected(host, token_file, namespace, ca_cert).all(), key=lambda run: (run.form.name, run.id))
    if as_json:
        print_json([_found_row(run) for run in found])
        return
    print_table(
        f"Recurring runs at {host}",
        ("name", "enabled", "when", "version", "service account", "ours", "id"),
        (
            (
                run.form.name,
                "yes" if run.enabled else "no",
                run.form.trigger,
                "of its own" if run.form.embedded else run.form.version_id or "latest",
                run.form.service_account,
                "yes" if run.ours else "no",
                run.id,
            )
            for run in found
        ),
    )


@schedule.command()
@_NAME
@_server_options
def enable(name: str, host: str, token_file: Path | None, namespace: str | None, ca_cert: Path | None) -> None:
    """Let a recurring run start runs again; where a time was missed meanwhile, one run starts at once.

    The next `apply` makes it what the file says again.
    """
    server = _connected(host, token_file, namespace, ca_cert)
    found = _the_one(server, name)
    server.enable(found.id)
    click.echo(f"{name}: enabled")


@schedule.command()
@_NAME
@_server_options
def disable(name: str, host: str, token_file: Path | None, namespace: str | None, ca_cert: Path | None) -> None:
    """Let a recurring run start no more runs; one that runs goes on.

    The next `apply` makes it what the file says again.
    """
    server = _connected(host, token_file, namespace, ca_cert)
    for found in _named(server, name):
        server.disable(found.id)
    click.echo(f"{name}: disabled")


@schedule.command()
@_NAME
@_server_options
@click.option("--foreign", is_flag=True, help="Also those of this name that others made.")
def delete(name: str, host: str, token_file: Path | None, namespace: str | None, ca_cert: Path | None, foreign: bool) -> None:
    """Remove a recurring run for good; a run that goes on is not stopped."""
    server = _connected(host, token_file, namespace, ca_cert)
    found = [run for run in _named(server, name) if run.ours or foreign]
    if not found:
        raise InvalidInput(f"The recurring run {name!r} was not made by tfx-rollout; give --foreign to delete it all the same.")
    for run in found:
        server.delete(run.id)
    click.echo(f"{name}: deleted")


def _connected(host: str, token_file: Path | None, namespace: str | None, ca_cert: Path | None) -> RecurringRuns:
    from tfx_rollout.kfp.schedule import connect

    token = os.environ.get("TFX_ROLLOUT_KFP_TOKEN")
    if token is None and token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            raise StorageFault(str(token_file), f"cannot be read as a token ({fault})", "see to --token-file") from fault
    return connect(host, token=token or None, namespace=namespace, ca_cert=ca_cert)


def _named(server: RecurringRuns, name: str) -> list[Found]:
    there = server.all()
    found = [run for run in there if run.form.name == name]
    if not found:
        raise NotFound("recurring run", name, server.host, sorted({run.form.name for run in there}))
    return found


def _the_one(server: RecurringRuns, name: str) -> Found:
    found = _named(server, name)
    if len(found) > 1:
        raise InvalidInput(f"There are {len(found)} recurring runs {name!r} at {server.host}; apply the file, which leaves one.")
    return found[0]


def _change_row(change: Change) -> dict[str, Any]:
    return {
        "name": change.wanted.name,
        "change": change.steps.kind,
        "differences": [{"field": d.field, "wanted": str(d.wanted), "found": str(d.found)} for d in change.steps.differences],
        "steps": [{"action": step.action.value, "id": step.target, "why": step.why} for step in change.steps.steps],
    }


def _found_row(run: Found) -> dict[str, Any]:
    form = run.form
    return {
        "id": run.id,
        "name": form.name,
        "enabled": run.enabled,
        "ours": run.ours,
        "experiment_id": form.experiment_id,
        "pipeline_id": form.pipeline_id,
        "version_id": form.version_id,
        "pipeline_root": form.pipeline_root,
        "parameters": dict(form.parameters),
        "service_account": form.service_account,
        "max_concurrency": form.max_concurrency,
        "no_catchup": form.no_catchup,
        **form.trigger.to_json(),
    }


# Without Kubeflow


@schedule.group()
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


@schedule.command()
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


@schedule.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@root_option
@model_option
@click.option(
    "--on-overlap",
    type=click.Choice(["wait", "supersede", "stop"]),
    default="wait",
    show_default=True,
    help="When a rollout or another retraining is on its way: wait for its end, order the rollout to make room, or stop.",
)
@click.option("--wait-seconds", default=3600.0, show_default=True, type=click.FloatRange(0), help="How long to wait for its end.")
@click.option(
    "--claim", metavar="RUN", help="Claim the retraining for this pipeline run, whose steps are processes of their own."
)
@click.option(
    "--hold-seconds", default=86400.0, show_default=True, type=click.FloatRange(1), help="How long a claim is good for."
)
@click.option("--release", metavar="RUN", help="End the claim of this pipeline run.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def gate(
    root: Path,
    model: str,
    on_overlap: OnOverlap,
    wait_seconds: float,
    claim: str | None,
    hold_seconds: float,
    release: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND, a retraining, when no rollout of the model and no other retraining is on its way.

    COMMAND holds the model's retraining lock while it runs, and its exit code is this one's. Exit
    code 3: it was not begun. In a pipeline of several processes the first step gives --claim with
    the run's name, and the last one, or an exit handler, --release.
    """
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.schedule.overlap import claim_retraining, retraining
    from tfx_rollout.schedule.retraining import RetrainingLock

    if (bool(command), claim is not None, release is not None).count(True) != 1:
        raise click.UsageError("Give a COMMAND after --, or --claim RUN, or --release RUN.")
    base = ModelStore(root).model(model)
    if release is not None:
        ended = RetrainingLock(base).release(release)
        click.echo(f"{model}: the claim of {release} is released" if ended else f"{model}: {release} has no claim")
    elif claim is not None:
        made = claim_retraining(
            base, on_overlap, run=claim, seconds=hold_seconds, wait_seconds=wait_seconds, by=asker(), say=_to_stderr
        )
        click.echo(f"{model}: claimed for {made.run}, for {made.until - made.since:g} s")
    else:
        with retraining(base, on_overlap, wait_seconds=wait_seconds, by=asker(), say=_to_stderr):
            raise SystemExit(_run(command))


def _run(command: tuple[str, ...]) -> int:
    """Runs a command to its end; signals are passed on. Its exit code, or 128 and the signal, as shells have it."""
    import signal
    import subprocess

    from tfx_rollout.serving.tether import tethered

    process = subprocess.Popen(tethered(command))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the command too
    code = process.wait()
    return code if code >= 0 else 128 - code


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)
