"""Commands about one model's versions: `push`, `versions`, `live`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asker, existing_model, json_option, model_option, root_option
from tfx_rollout.cli.tables import print_table, when
from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath


@click.command()
@click.argument("model_dir", type=click.Path(path_type=Path))
@root_option
@model_option
@json_option
def push(model_dir: Path, root: Path, model: str, as_json: bool) -> None:
    """Publish the SavedModel in MODEL_DIR as a new version of the model.

    The version shows up whole or not at all. The same content pushed again gives the same
    version again. A push never moves traffic: `tfx-rollout rollout start` does.
    """
    from tfx_rollout.model_store import ModelStore

    published = ModelStore(root).model(model).publish(model_dir, provenance={"by": asker(), "tool": "tfx-rollout push"})
    if as_json:
        print_json(
            {
                "model": model,
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
@json_option
def live(root: Path, model: str, as_json: bool) -> None:
    """Print the version that the label `stable` names; exit code 4 when nothing is live yet."""
    base = existing_model(root, model)
    version = base.desired().stable
    if version is None:
        raise NotFound("version", "with the label stable", f"model {model}", base.versions())
    if as_json:
        manifest = base.manifest(version)
        path = str(base.version_path(version).absolute())
        print_json({"model": model, "version": version, "path": path, "digest": manifest.digest if manifest else None})
    else:
        click.echo(str(version))


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
