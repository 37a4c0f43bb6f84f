"""`tfx-rollout push` and `live`: a new version, and the one that is live."""

from __future__ import annotations

from pathlib import Path

import click

from tfx_rollout.cli.inputs import executor_input_option, mounted_root
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import control_options, existing_model, json_option, model_option, root_option
from tfx_rollout.cli.outputs import OutputFiles, output_file_option, write_outputs
from tfx_rollout.cli.place import Place, asker
from tfx_rollout.cli.plain_text import spelt_out
from tfx_rollout.cli.progress import waiting
from tfx_rollout.errors import NotFound


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path))
@root_option
@model_option
@click.option(
    "--validation", type=click.Path(path_type=Path), help="The report of `tfx-rollout validate`: not pushed if it says no."
)
@click.option("--by", default=asker, help="Who pushes, for the manifest.  [default: the user]")
@click.option("--mounted", is_flag=True, help="Refuse a root that is not there, instead of making it.")
@output_file_option("pushed", "version", "digest", "path", "reason")
@executor_input_option
@json_option
def push(
    model_dir: Path,
    root: Path,
    model: str,
    validation: Path | None,
    by: str,
    mounted: bool,
    outputs: OutputFiles,
    executor_input: str | None,
    as_json: bool,
) -> None:
    """Publish the SavedModel in MODEL_DIR as a new version of the model.

    The version shows up whole or not at all. The same content pushed again gives the same
    version again. A push never moves traffic: `tfx-rollout rollout start` does.

    A model that the validation refuses, or that it is not about, is not pushed: exit code 0, version 0.
    """
    from tfx_rollout import steps
    from tfx_rollout.kfp.components.executor_input import input_artifacts
    from tfx_rollout.model_store import ModelStore

    base = ModelStore(mounted_root(root) if mounted else root).model(model)
    given = input_artifacts(executor_input).get("validation")
    file = validation or (given.path if given else None)
    evidence = [] if file is None else [steps.evidence_of_validation(file)]
    provenance = {"by": by, "tool": "tfx-rollout push"}
    with waiting(f"Reading and copying {model_dir}{_size(model_dir)} …"):
        result = steps.push(base, model_dir, evidence, uri=str(model_dir), provenance=provenance)
    published = result.published
    write_outputs(
        outputs,
        {
            "pushed": result.pushed,
            "version": published.version if published else 0,
            "digest": result.digest,
            "path": str(published.path.absolute()) if published else "",
            "reason": result.reason,
        },
    )
    if published is None:
        if as_json:
            print_json({"model": model, "pushed": False, "digest": result.digest, "reason": result.reason})
        else:
            click.echo(f"not pushed: {spelt_out(result.reason)}")
    elif as_json:
        print_json(
            {
                "model": model,
                "pushed": True,
                "version": published.version,
                "digest": published.digest,
                "path": str(published.path.absolute()),
                "created": published.created,
            }
        )
    else:
        said = "is new" if published.created else "was there already, with this very content"
        click.echo(f"{model} version {published.version} {said} ({published.digest})")


@click.command()
@control_options
@model_option
@click.option("--or-none", is_flag=True, help="That nothing is live is an answer too: `none`, exit code 0.")
@output_file_option("live", "version", "path", "digest")
@json_option
def live(place: Place, model: str, or_none: bool, outputs: OutputFiles, as_json: bool) -> None:
    """Print the version that the label `stable` names; exit code 4 when nothing is live yet.

    Over --server there is no path to tell.
    """
    version, path, digest = _live_here(place.root, model, or_none) if place.root else _live_there(place, model)
    if version is None and not or_none:
        raise NotFound("version", "with the label stable", f"model {model}", _known(place, model))
    write_outputs(outputs, {"live": version is not None, "version": version or 0, "path": path, "digest": digest})
    if as_json:
        print_json({"model": model, "version": version, "path": path or None, "digest": digest or None})
    else:
        click.echo("none" if version is None else str(version))


def _live_here(root: Path, model: str, or_none: bool) -> tuple[int | None, str, str]:
    """Version, path and digest. The folder itself is looked at, as a step of a pipeline needs it."""
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.steps import live_version

    base = ModelStore(mounted_root(root)).model(model) if or_none else existing_model(root, model)
    found = live_version(base)
    return found.version, "" if found.path is None else str(found.path.absolute()), found.digest


def _live_there(place: Place, model: str) -> tuple[int | None, str, str]:
    found = next((v for v in place.control().versions(model).versions if "stable" in v.labels), None)
    return (None, "", "") if found is None else (found.version, "", found.digest or "")


def _known(place: Place, model: str) -> list[int]:
    return [version.version for version in reversed(place.control().versions(model).versions)]


def _size(folder: Path) -> str:
    """How much there is to copy, as far as that can be seen; the push itself says what is wrong with it."""
    try:
        return f" ({sum(file.stat().st_size for file in folder.rglob('*') if file.is_file()) / 1e6:,.0f} MB)"
    except OSError:
        return ""
