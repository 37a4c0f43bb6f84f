"""`tfx-rollout check`: the last word on a model, from all evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.inputs import document_option, executor_input_option
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import existing_model, json_option, model_option, root_option
from tfx_rollout.cli.outputs import (
    OutputFiles,
    Scalar,
    output_file_option,
    report_options,
    write_file,
    write_outputs,
    write_report,
)
from tfx_rollout.cli.place import asker
from tfx_rollout.cli.plain_text import spelt_out
from tfx_rollout.errors import InvalidInput

if TYPE_CHECKING:
    from tfx_rollout.blessing import Evidence
    from tfx_rollout.kfp.components.executor_input import TaskArtifact


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path))
@root_option
@model_option
@click.option("--rollout", type=click.Path(path_type=Path), required=True, help="The report of `tfx-rollout rollout run`.")
@click.option("--validation", type=click.Path(path_type=Path), help="The report of `tfx-rollout validate`.")
@click.option("--metrics", type=click.Path(path_type=Path), help="The model's metrics: a JSON object of numbers.")
@click.option("--require", default="", metavar="TEXT", help="What the metrics must keep: 'accuracy>=0.9, loss<0.5'.")
@click.option(
    "--model-blessing", type=click.Choice(["yes", "no", ""]), default="", help="An evaluation's word, instead of metrics."
)
@document_option("--policy", "Which evidence is required.  [default: all that is given]")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds to await the end of the rollout.")
@click.option("--by", default=asker, help="Who asks, for the journal.  [default: the user]")
@report_options
@output_file_option("blessed", "outcome", "reason", "digest")
@executor_input_option
@json_option
def check(
    model_dir: Path,
    root: Path,
    model: str,
    rollout: Path,
    validation: Path | None,
    metrics: Path | None,
    require: str,
    model_blessing: str,
    policy: str | None,
    timeout: float | None,
    by: str,
    report: Path | None,
    page: Path | None,
    outputs: OutputFiles,
    executor_input: str | None,
    as_json: bool,
) -> None:
    """Promote the rollout of the SavedModel in MODEL_DIR, or roll it back, once, by all evidence about it.

    It is promoted only if every required piece of evidence is there, is about exactly this model, and says yes.
    Metrics without a `digest` of their own are taken to be about MODEL_DIR.

    Exit code 0 whether it is blessed or not; another one where that could not be carried out.
    """
    from tfx_rollout.blessing import Policy, Subject, load_policy
    from tfx_rollout.kfp.components.executor_input import TaskArtifact, input_artifacts
    from tfx_rollout.model_store import content_digest
    from tfx_rollout.steps import evidence_of_rollout, evidence_of_validation, read_outcome, say_last_word

    rules = None if policy is None else load_policy(policy)
    base, subject = existing_model(root, model), Subject(content_digest(model_dir))
    given = input_artifacts(executor_input)
    given |= {name: TaskArtifact(path) for name, path in (("validation", validation), ("metrics", metrics)) if path is not None}
    found = read_outcome(rollout)
    evidence = _of_evaluation(given.get("metrics"), require, model_blessing, subject.digest)
    if "validation" in given:
        evidence.append(evidence_of_validation(given["validation"].path))
    evidence.append(evidence_of_rollout(found))
    if rules is None:
        rules = Policy.of(piece.kind for piece in evidence)
    word = say_last_word(
        base, subject, evidence, rules, found, by=by, timeout_s=timeout, say=lambda line: click.echo(line, err=True)
    )
    document = word.to_json()
    write_report(report, document)
    if page is not None:
        write_file(page, word.to_html())
    values: dict[str, Scalar] = {
        "blessed": word.blessed,
        "outcome": word.found.outcome,
        "reason": word.reason,
        "digest": subject.digest,
    }
    write_outputs(outputs, values)
    if as_json:
        print_json(document)
    else:
        click.echo(f"{'blessed' if word.blessed else 'not blessed'}: {spelt_out(word.reason)}")


def _of_evaluation(metrics: TaskArtifact | None, require: str, model_blessing: str, digest: str) -> list[Evidence]:
    """The offline evaluation's word, if one was given."""
    from tfx_rollout.blessing import Evidence, Kind
    from tfx_rollout.steps import evidence_of_metrics, parse_requirements, read_metrics

    requirements = parse_requirements(require)
    if model_blessing and (metrics or requirements):
        raise InvalidInput("Both a model blessing and metrics with requirements were given; give one of them.")
    if model_blessing:
        return [Evidence(Kind.MODEL_BLESSING, model_blessing == "yes", "given as it is", digest)]
    if metrics is None and not requirements:
        return []
    if metrics is None:
        raise InvalidInput(f"The requirements {require!r} need metrics; give them with --metrics.")
    if not requirements:
        raise InvalidInput(
            f"The metrics at {metrics.path} say nothing without requirements; give some: --require 'accuracy>=0.9'."
        )
    found = read_metrics(metrics.path, metrics.metadata)
    return [evidence_of_metrics(found, requirements, digest, str(metrics.path))]
