"""What a command says to the pipeline that runs it: scalar values in files, and reports.

Kubeflow Pipelines gives a container a file for each output parameter and compares their values
in conditions. So `--output-file blessed=PATH` writes `true` or `false` to PATH.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
Scalar = bool | int | str
OutputFiles = Mapping[str, Path]
"""Where each value that is wanted goes."""


def output_file_option(*keys: str) -> Callable[[F], F]:
    """`--output-file KEY=PATH`, repeated; `keys` are the values that the command has."""

    def parse(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> OutputFiles:
        files: dict[str, Path] = {}
        for text in given:
            key, sign, path = text.partition("=")
            if not sign or not path:
                raise click.BadParameter(f"{text!r} is not KEY=PATH; write for example {keys[0]}=/tmp/{keys[0]}.")
            if key not in keys:
                raise click.BadParameter(f"this command has no value {key!r}; it has: {', '.join(keys)}.")
            if key in files:
                raise click.BadParameter(f"{key} is given twice; give it one file.")
            files[key] = Path(path)
        return files

    return click.option(
        "--output-file",
        "outputs",
        metavar="KEY=PATH",
        multiple=True,
        callback=parse,
        help=f"Write one value to a file, for a pipeline's condition: {', '.join(keys)}. Repeatable.",
    )


def report_options(command: F) -> F:
    """`--report` and `--html`: the whole report as JSON, and as a page."""
    command = click.option(
        "--html", "page", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as a page."
    )(command)
    return click.option(
        "--report", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write the whole report as JSON."
    )(command)


def write_outputs(outputs: OutputFiles, values: Mapping[str, Scalar]) -> None:
    """Writes each value that is wanted to its file, whole or not at all; makes the folders. Raises `StorageFault`.

    Booleans are `true` and `false`, as Kubeflow Pipelines reads them.
    """
    for key, path in outputs.items():
        write_file(path, _text(values[key]))


def write_file(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all; makes its folder. Raises `StorageFault`."""
    from tfx_rollout.model_store import make_folder, write_text

    make_folder(path.parent)
    write_text(path, text)


def write_report(report: Path | None, document: Mapping[str, Any]) -> None:
    """Writes the report as JSON, where it is wanted."""
    if report is not None:
        import json

        write_file(report, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
