"""`tfx-rollout rollout`: start, watch and steer the staged change to a new version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.inputs import document_option, mounted_root
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import by_and_why_options, existing_model, json_option, model_option, root_option
from tfx_rollout.cli.outputs import OutputFiles, output_file_option, report_options, write_file, write_outputs, write_report
from tfx_rollout.cli.tables import print_table, when
from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath
    from tfx_rollout.rollout import OrderKind

STDOUT = Path("-")
"""How a user names the standard output."""

id_argument = click.argument("rollout_id", metavar="[ID]", required=False)


@click.group()
def rollout() -> None:
    """Start, watch and steer the staged change to a new version.

    Where ID is left out it is the rollout that runs; for `watch` and `report` the newest one when none runs.
    """


@rollout.command()
@root_option
@model_option
@click.option("--version", type=int, help="The candidate.  [default: the newest version]")
@click.option("--plan", "plan_name", default="default", show_default=True, help="A plan's name, or a YAML or JSON file.")
@click.option("--watch", "and_watch", is_flag=True, help="Go on with `watch`; its exit code is then the command's.")
@by_and_why_options
@json_option
def start(root: Path, model: str, version: int | None, plan_name: str, and_watch: bool, by: str, why: str, as_json: bool) -> None:
    """Start a rollout of a version; the supervisor carries it out, and the command does not wait for it.

    Where nothing is live yet the version goes live without a canary.
    """
    from tfx_rollout.cli.watch import follow
    from tfx_rollout.rollout import load_plan, start_rollout

    base, plan = existing_model(root, model), load_plan(plan_name)
    if version is None:
        versions = base.versions()
        if not versions:
            raise NotFound("version", "to roll out", f"the base path {base.path}")
        version = versions[-1]
    started = start_rollout(base, version, plan, by=by, why=why)
    if as_json and not and_watch:
        print_json({"rollout": started, "model": model, "version": version, "plan": plan.name})
    elif not as_json:
        click.echo(f"rollout {started}: version {version} of {model} by plan {plan.name}")
    _warn_when_unserved(root)
    if and_watch:
        raise SystemExit(follow(base, started, as_json=as_json))


@rollout.command()
@id_argument
@root_option
@model_option
@click.option("--until-decided", is_flag=True, help="End also when all stages have passed and it holds; exit code 0.")
@json_option
def watch(rollout_id: str | None, root: Path, model: str, until_decided: bool, as_json: bool) -> None:
    """Follow a rollout to its end, from its first event on.

    Exit code 0 when the version was promoted (or went live as the first one), 1 when it was rolled
    back or the rollout failed. With --json one document a line; the last one is the report.
    """
    from tfx_rollout.cli.watch import follow

    base = existing_model(root, model)
    _warn_when_unserved(root)
    raise SystemExit(follow(base, rollout_id or _newest(base), until_decided=until_decided, as_json=as_json))


@rollout.command()
@root_option
@model_option
@click.option("--version", type=int, required=True, help="The candidate.")
@click.option("--plan", default="default", show_default=True, help="A plan's name, a YAML or JSON file, or a JSON document.")
@click.option("--timeout", type=click.FloatRange(0), help="Seconds to wait for the decision; 0 for all stages at their longest.")
@by_and_why_options
@click.option("--once", is_flag=True, help="Of a rollout that --by began for --why, and that has ended, tell the outcome again.")
@report_options
@output_file_option("outcome", "passed", "reason", "version", "rollout", "generation", "digest")
@json_option
def run(
    root: Path,
    model: str,
    version: int,
    plan: str,
    timeout: float | None,
    by: str,
    why: str,
    once: bool,
    report: Path | None,
    page: Path | None,
    outputs: OutputFiles,
    as_json: bool,
) -> None:
    """Roll a version out and await what becomes of it, as a step of a pipeline.

    A rollout of this version that is under way is followed, not started anew, and with --once one that has ended is
    not repeated, so the step may be killed and run again.

    Exit code 0 whatever becomes of the version: `holding` (passed, waits for `tfx-rollout check`), `first_version`,
    `promoted`, `already_live`, `rolled_back`, `failed`. Another one where it was not decided in time; the rollout goes on.
    """
    from tfx_rollout.steps import page_of_outcome, read_plan, run_canary

    base, wanted = existing_model(root, model), read_plan(plan)
    found = run_canary(
        base, version, wanted, by=by, why=why, once=once, timeout_s=timeout or None, say=lambda line: click.echo(line, err=True)
    )
    document = found.to_json()
    write_report(report, document)
    if page is not None:
        write_file(page, page_of_outcome(base, found))
    values = {key: document[key] for key in ("outcome", "passed", "reason", "version", "rollout", "generation", "digest")}
    write_outputs(outputs, values)
    if as_json:
        print_json(document)
    else:
        click.echo(f"{found.outcome.replace('_', ' ')}: {found.reason}")


@rollout.command()
@root_option
@model_option
@click.option("--begun-by", required=True, help="Who began the rollouts that are to end, as `--by` of `run` said.")
@click.option("--why", default="what began it has failed", show_default=True, help="The reason, for the journal.")
@document_option("--status", "What Kubeflow Pipelines tells an exit task: nothing is done after a success.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds to await the end.")
@output_file_option("ended", "reason")
@json_option
def end(
    root: Path,
    model: str,
    begun_by: str,
    why: str,
    status: str | None,
    timeout: float | None,
    outputs: OutputFiles,
    as_json: bool,
) -> None:
    """Abort what somebody began and left unfinished, and await it: the last step of a pipeline that failed.

    Other people's rollouts are left alone, and so is one that is being promoted. Nothing unfinished is no fault.
    """
    from tfx_rollout.kfp.components.final_status import succeeded
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.steps import end_unfinished

    base = ModelStore(mounted_root(root)).model(model)
    if status is not None and succeeded(status):
        ended, reason = 0, "the pipeline has succeeded, so nothing was changed"
    else:
        found = end_unfinished(base, begun_by=begun_by, why=why, timeout_s=timeout, say=lambda line: click.echo(line, err=True))
        ended, reason = len(found.rollouts), found.reason
    write_outputs(outputs, {"ended": ended, "reason": reason})
    if as_json:
        print_json({"model": model, "ended": ended, "reason": reason})
    else:
        click.echo(reason)


def _order_command(kind: OrderKind, text: str) -> None:
    @rollout.command(kind, help=text, short_help=text)
    @id_argument
    @root_option
    @model_option
    @by_and_why_options
    @json_option
    def order(rollout_id: str | None, root: Path, model: str, by: str, why: str, as_json: bool) -> None:
        _send(rollout_id, root, model, kind, by=by, why=why, as_json=as_json)


_order_command("approve", "Let a rollout that awaits an approval go on; what it asked about is not asked again.")
_order_command("pause", "Halt a rollout: traffic stays as it is and is watched, the time does not count.")
_order_command("resume", "Let a paused rollout go on with the time it had.")
_order_command("skip", "Go to the next stage at once, without evidence for the present one.")
_order_command("promote", "Make the candidate live for everybody, now; stages that are left are left out.")
_order_command("abort", "End a rollout, waiting ones too, and return to what was before it.")


@rollout.command()
@id_argument
@root_option
@model_option
@click.option("--now", is_flag=True, help="At once, without the steps of the plan's way back.")
@by_and_why_options
@json_option
def rollback(rollout_id: str | None, root: Path, model: str, now: bool, by: str, why: str, as_json: bool) -> None:
    """Return to what was before the rollout."""
    _send(rollout_id, root, model, "rollback", by=by, why=why, as_json=as_json, now=now)


def _send(
    rollout_id: str | None, root: Path, model: str, kind: OrderKind, *, by: str, why: str, as_json: bool, now: bool = False
) -> None:
    from tfx_rollout.rollout import send_order

    base = existing_model(root, model)
    chosen = rollout_id or _running(base)
    sent = send_order(base, chosen, kind, by=by, why=why, now=now)
    if as_json:
        print_json({"rollout": chosen, **sent.to_json()})
    else:
        click.echo(f"rollout {chosen}: ordered to {kind}")
    _warn_when_unserved(root)


@rollout.command("list")
@root_option
@model_option
@json_option
def list_(root: Path, model: str, as_json: bool) -> None:
    """List all rollouts of a model, newest first."""
    from tfx_rollout.rollout import list_rollouts, outcome

    states = list_rollouts(existing_model(root, model))[::-1]
    if as_json:
        print_json(
            [
                {
                    "rollout": state.id,
                    "version": state.version,
                    "stable": state.stable,
                    "plan": state.plan_name,
                    "phase": str(state.phase),
                    "stage": state.stage + 1,
                    "outcome": outcome(state),
                    "reason": state.reason,
                    "by": state.by,
                    "why": state.why,
                    "created_at": state.created_at,
                    "finished_at": state.finished_at,
                }
                for state in states
            ]
        )
        return
    print_table(
        f"Rollouts of {model}",
        ("rollout", "version", "after", "plan", "outcome", "phase", "begun", "ended", "by", "reason"),
        (
            (
                state.id,
                state.version,
                state.stable,
                state.plan_name,
                outcome(state).replace("_", " "),
                str(state.phase).replace("_", " "),
                when(state.created_at),
                when(state.finished_at),
                state.by,
                state.reason,
            )
            for state in states
        ),
    )


@rollout.command()
@id_argument
@root_option
@model_option
@click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write a page with charts that needs no network; - is the standard output.",
)
@json_option
def report(rollout_id: str | None, root: Path, model: str, page: Path | None, as_json: bool) -> None:
    """Report on a rollout: outcome, reason, evidence, counts and latencies per stage and track."""
    from tfx_rollout.model_store import write_text
    from tfx_rollout.rollout import build_report, read_rollout, render_html, render_text

    if as_json and page == STDOUT:
        raise click.UsageError("--json and --html - both print to the standard output; choose one, or give --html a file.")
    base = existing_model(root, model)
    document = build_report(read_rollout(base, rollout_id or _newest(base)))
    if page == STDOUT:
        click.echo(render_html(document))
    elif page is not None:
        write_text(page, render_html(document))
    if as_json:
        print_json(document)
    elif page is None:
        click.echo(render_text(document))
    elif page != STDOUT:
        click.echo(f"rollout {document['rollout']}: the report is in {page}")


def _running(base: BasePath) -> str:
    from tfx_rollout.rollout import list_rollouts, running_rollout

    state = running_rollout(base)
    if state is None:
        raise NotFound("rollout", "that runs", f"model {base.name}", [ended.id for ended in list_rollouts(base)])
    return state.id


def _newest(base: BasePath) -> str:
    from tfx_rollout.rollout import list_rollouts, running_rollout

    state = running_rollout(base) or next(reversed(list_rollouts(base)), None)
    if state is None:
        raise NotFound("rollout", "at all", f"model {base.name}")
    return state.id


def _warn_when_unserved(root: Path) -> None:
    from tfx_rollout.supervisor.presence import running_supervisor

    if running_supervisor(root) is None:
        click.echo(f"Nothing happens until a supervisor serves this root: tfx-rollout serve {root}", err=True)
