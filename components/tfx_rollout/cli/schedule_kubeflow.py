"""`tfx-rollout schedule` on Kubeflow Pipelines: `check`, `plan`, `apply`, `list`, `enable`, `disable`, `delete`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.tables import print_table
from tfx_rollout.errors import InvalidInput, NotFound, StorageFault

if TYPE_CHECKING:
    from tfx_rollout.kfp.schedule import Change, RecurringRuns
    from tfx_rollout.kfp.schedule.found import Found

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.argument("file", type=click.Path(path_type=Path))
_NAME = click.argument("name")


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


@click.command()
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


@click.command()
@click.option("--local", is_flag=True, help="That of files for `schedule local` and `schedule export`.")
def schema(local: bool) -> None:
    """Print the JSON Schema of the file."""
    if local:
        from tfx_rollout.schedule.local_document import json_schema
    else:
        from tfx_rollout.kfp.schedule import json_schema
    print_json(json_schema())


@click.command()
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


@click.command("apply")
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


@click.command("list")
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


@click.command()
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


@click.command()
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


@click.command()
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
