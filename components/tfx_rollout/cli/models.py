"""Commands about one model's versions: `push`, `versions`, `live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.inputs import executor_input_option, mounted_root
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asker, existing_model, json_option, model_option, root_option
from tfx_rollout.cli.outputs import OutputFiles, output_file_option, write_outputs
from tfx_rollout.cli.tables import print_table, when
from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath


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
            click.echo(f"not pushed: {result.reason}")
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
@root_option
@model_option
@json_option
def versions(root: Path, model: str, as_json: bool) -> None:
    """List the versions of a model, newest first: labels, time, digest and source."""
    rows = _version_rows(existing_model(root, model))
    if as_json:
        print_json(rows)
        return
    print_table(
        f"Versions of {model}",
        ("version", "labels", "published", "size", "digest", "source"),
        (
            (
                row["version"],
                ", ".join(row["labels"]),
                when(row["published_at"]),
                None if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f} MB",
                None if row["digest"] is None else row["digest"][:19],
                row["source"],
            )
            for row in rows
        ),
    )


@click.command()
@root_option
@model_option
@click.option("--or-none", is_flag=True, help="That nothing is live is an answer too: `none`, exit code 0.")
@output_file_option("live", "version", "path", "digest")
@json_option
def live(root: Path, model: str, or_none: bool, outputs: OutputFiles, as_json: bool) -> None:
    """Print the version that the label `stable` names; exit code 4 when nothing is live yet."""
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.steps import live_version

    base = ModelStore(mounted_root(root)).model(model) if or_none else existing_model(root, model)
    found = live_version(base)
    if not found.live and not or_none:
        raise NotFound("version", "with the label stable", f"model {model}", base.versions())
    path = "" if found.path is None else str(found.path.absolute())
    write_outputs(outputs, {"live": found.live, "version": found.version or 0, "path": path, "digest": found.digest})
    if as_json:
        print_json({"model": model, "version": found.version, "path": path or None, "digest": found.digest or None})
    else:
        click.echo(str(found.version) if found.live else "none")


def _version_rows(base: BasePath) -> list[dict[str, Any]]:
    labels = base.desired().labels
    rows = []
    for version in reversed(base.versions()):
        manifest = base.manifest(version)
        rows.append(
            {
                "version": version,
                "labels": [str(label) for label, labelled in labels.items() if labelled == version],
                "published_at": manifest.published_at if manifest else None,
                "bytes": manifest.size if manifest else None,
                "digest": manifest.digest if manifest else None,
                "source": manifest.source if manifest else None,
                "provenance": dict(manifest.provenance) if manifest else {},
            }
        )
    return rows
