"""`tfx-rollout validate`: would a server answer with this model, and rightly?"""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.cli.inputs import document_option, example_files, executor_input_option, mounted_root
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import json_option, model_option, root_option
from tfx_rollout.cli.outputs import OutputFiles, output_file_option, report_options, write_file, write_outputs, write_report
from tfx_rollout.cli.plain_text import spelt_out
from tfx_rollout.errors import InvalidInput

LIVE, NONE = "live", "none"


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path))
@root_option
@model_option
@click.option(
    "--examples", type=click.Path(path_type=Path), help="TFRecords of tf.Examples to make requests of: a file or a folder."
)
@document_option("--requests", "Which requests to make: minimum, maximum, signatures.")
@document_option("--limits", "What to keep to: load_seconds, request_seconds, p50_ms, p99_ms, tolerances.")
@click.option(
    "--baseline",
    default=LIVE,
    show_default=True,
    metavar="live|none|DIR",
    help="The SavedModel whose clients must not be broken: that of the version that is live, none, or this one.",
)
@click.option("--logs", type=click.Path(path_type=Path, file_okay=False), help="Folder for the logs of the servers.")
@report_options
@output_file_option("blessed", "reason", "digest")
@executor_input_option
@json_option
def validate(
    model_dir: Path,
    root: Path,
    model: str,
    examples: Path | None,
    requests: str | None,
    limits: str | None,
    baseline: str,
    logs: Path | None,
    report: Path | None,
    page: Path | None,
    outputs: OutputFiles,
    executor_input: str | None,
    as_json: bool,
) -> None:
    """Load the SavedModel in MODEL_DIR into a server of its own, ask it over gRPC and REST, and compare.

    Its answers must be those that the model gives in process, finite, and of the signature's dtypes and shapes;
    no client of the live version may be broken. Without examples it is only loaded.

    Exit code 0 whether it is blessed or not; another one where that could not be found out.
    """
    from tfx_rollout.kfp.components.executor_input import input_artifacts
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.steps import live_version, validate_model
    from tfx_rollout.validation import load_limits, load_requests

    settings, bounds = load_requests(requests), load_limits(limits)
    _require_tensorflow()
    base = ModelStore(mounted_root(root)).model(model)
    given = input_artifacts(executor_input).get("examples")
    source = examples or (given.path if given else None)
    found = validate_model(
        model_dir,
        model,
        examples=None if source is None else example_files(source),
        baseline=live_version(base).path if baseline == LIVE else None if baseline == NONE else Path(baseline),
        settings=settings,
        limits=bounds,
        work=logs,
    )
    document = found.to_json()
    write_report(report, document)
    if page is not None:
        write_file(page, found.to_html())
    write_outputs(outputs, {"blessed": found.blessed, "reason": found.reason, "digest": found.digest})
    if as_json:
        print_json(document)
    else:
        click.echo(f"{'blessed' if found.blessed else 'not blessed'}: {spelt_out(found.reason)}")


def _require_tensorflow() -> None:
    from importlib.util import find_spec

    if find_spec("tensorflow") is None:
        raise InvalidInput(
            "The validation asks the model in process, too, and needs TensorFlow: pip install 'tfx-rollout[serving]'."
        )
