"""`tfx-rollout kubeflow`: look at a compiled pipeline, and try it on this machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option
from tfx_rollout.cli.tables import print_table
from tfx_rollout.errors import InvalidInput

if TYPE_CHECKING:
    from tfx_rollout.kfp.runner import PipelineResult

ir_argument = click.argument("ir", metavar="IR.yaml", type=click.Path(path_type=Path))


@click.group()
def kubeflow() -> None:
    """Look at a pipeline that was compiled for Kubeflow Pipelines, and try it on this machine."""


@kubeflow.command()
@ir_argument
@json_option
def lint(ir: Path, as_json: bool) -> None:
    """Name everything in a compiled pipeline that open-source Kubeflow Pipelines would refuse or drop.

    Exit code 2 where there is something.
    """
    from tfx_rollout.kfp.ir import lint as findings_of
    from tfx_rollout.kfp.ir import load

    findings = findings_of(load(ir))
    if as_json:
        print_json([{"rule": f.rule, "node": f.node, "fault": f.fault, "mend": f.mend} for f in findings])
    elif findings:
        for finding in findings:
            click.echo(str(finding))
    else:
        click.echo(f"{ir}: open-source Kubeflow Pipelines takes it as it is")
    raise SystemExit(2 if findings else 0)


@kubeflow.command()
@ir_argument
@click.option("--root", help="The pipeline root: a folder, or a bucket that --mount maps.  [default: the pipeline's own]")
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter; VALUE is JSON, or else a text. Repeatable.",
)
@click.option(
    "--mount", "mounts", multiple=True, metavar="PLACE=FOLDER", help="A place of the cluster and its folder here. Repeatable."
)
@click.option("--env", "environment", multiple=True, metavar="NAME=VALUE", help="What the images' environment has. Repeatable.")
@click.option("--fork", "preload", multiple=True, metavar="MODULE", help="Import it once and fork the tasks. Repeatable.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), default=3600.0, show_default=True)
@json_option
def run(
    ir: Path,
    root: str | None,
    parameters: Sequence[str],
    mounts: Sequence[str],
    environment: Sequence[str],
    preload: Sequence[str],
    timeout_s: float,
    as_json: bool,
) -> None:
    """Run a compiled pipeline on this machine, as driver and launcher of open-source KFP would.

    Each task's command runs with this Python in the place of its image's. --timeout is for
    one attempt of a task, in seconds. Exit code 1 when a task failed.

    tfx-rollout kubeflow run taxi.yaml --mount gs://bucket=/tmp/bucket --mount /srv/models=ROOT --parameter span=2
    """
    from tfx_rollout.kfp.ir import load
    from tfx_rollout.kfp.runner import run_pipeline

    documents = load(ir)
    kinds = documents.pipeline.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    pairs = dict(_pair(given, "--parameter") for given in parameters)
    result = run_pipeline(
        documents,
        pipeline_root=root,
        parameters={name: _value(text, str(kinds.get(name, {}).get("parameterType"))) for name, text in pairs.items()},
        mode="fork" if preload else "subprocess",
        preload=preload,
        mounts=dict(_pair(given, "--mount") for given in mounts),
        environment=dict(_pair(given, "--env") for given in environment),
        timeout_s=timeout_s,
        tell=_quiet if as_json else _told,
    )
    if as_json:
        print_json(result.to_json())
    else:
        _print_tasks(result)
    raise SystemExit(0 if result.succeeded else 1)


def _print_tasks(result: PipelineResult) -> None:
    print_table(
        f"Run {result.run_id} of {result.pipeline}: {'succeeded' if result.succeeded else 'failed'} in {result.seconds:.0f} s",
        ("task", "state", "seconds", "attempts", "reason"),
        (
            (task.name, task.state.value.lower(), f"{task.seconds:.1f}", task.attempts or "", task.reason)
            for task in result.tasks.values()
        ),
    )
    for task in result.failed:
        if task.log is not None:
            click.echo(f"{task.name}: {task.last_line()} (all of it: {task.log})", err=True)
    click.echo(f"artifacts and logs: {result.root}")


def _pair(text: str, option: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise InvalidInput(f"{option} {text!r} has no '='; give {option} NAME=VALUE.")
    return name, value


def _value(text: str, kind: str) -> Any:
    """The value of a parameter: as it is for a string, else JSON; what is none is told by the runner, with its kind."""
    if kind == "STRING":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(line: str) -> None:
    click.echo(line)


def _quiet(line: str) -> None:
    """With --json the document alone is printed."""
