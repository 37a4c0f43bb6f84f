"""What a pipeline hands to a command: documents as text or in files, and Kubeflow's own words on a task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tfx_rollout.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])


def document_option(name: str, help_text: str) -> Callable[[F], F]:
    """An option that takes a JSON document, or the name of a file that holds one; empty is as good as not given."""

    def read(context: click.Context, parameter: click.Parameter, given: str | None) -> str | None:
        if given is None or not given.strip():
            return None
        if given.lstrip().startswith("{"):
            return given
        try:
            return Path(given).read_text()
        except (OSError, UnicodeDecodeError) as fault:
            raise click.BadParameter(f"it is no JSON document, and no file {given} can be read ({fault}).") from fault

    return click.option(name, metavar="JSON|FILE", callback=read, help=help_text)


def executor_input_option(command: F) -> F:
    """`--executor-input`: the artifacts of a task of Kubeflow Pipelines, of which some may be left out."""
    return click.option(
        "--executor-input",
        metavar="JSON",
        help="What Kubeflow Pipelines writes for {{$}}: artifacts in it stand for options that are not given.",
    )(command)


def mounted_root(root: Path) -> Path:
    """The root, which has to be there. `InvalidInput` where it is not: a pipeline's step must not make one of its own."""
    if not root.is_dir():
        raise InvalidInput(
            f"There is no folder {root}; give the root that `tfx-rollout serve` serves, "
            "and in a pipeline mount its volume there in every step."
        )
    return root


def example_files(examples: Path) -> list[Path]:
    """The TFRecord files of a file or folder of examples. `InvalidInput` where there are none."""
    if examples.is_file():
        return [examples]
    files = (
        sorted(f for f in examples.rglob("*") if f.is_file() and not f.name.startswith(("_", "."))) if examples.is_dir() else []
    )
    if not files:
        raise InvalidInput(
            f"There are no examples at {examples}; give a TFRecord file of tf.Examples, or a folder of such files."
        )
    return files
