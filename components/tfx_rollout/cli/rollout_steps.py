"""`tfx-rollout rollout run` and `end`: the steps of a pipeline. They need the files of the root."""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.cli.inputs import document_option, mounted_root
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import by_and_why_options, existing_model, for_the_record, json_option, model_option, root_option
from tfx_rollout.cli.outputs import OutputFiles, output_file_option, report_options, write_file, write_outputs, write_report
from tfx_rollout.cli.plain_text import spelt_out


@click.command()
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
        click.echo(f"{found.outcome.replace('_', ' ')}: {spelt_out(found.reason)}")


@click.command()
@root_option
@model_option
@click.option("--begun-by", required=True, help="Who began the rollouts that are to end, as `--by` of `run` said.")
@click.option(
    "--why", default="what began it has failed", show_default=True, callback=for_the_record, help="The reason, for the journal."
)
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
