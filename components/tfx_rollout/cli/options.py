"""Options that several sub-commands share, and who is said to have asked."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath

F = TypeVar("F", bound=Callable[..., Any])


def root_option(command: F) -> F:
    """`--root`: the folder that `tfx-rollout serve` serves."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path),
        envvar="TFX_ROLLOUT_ROOT",
        show_envvar=True,
        required=True,
        help="The folder that `tfx-rollout serve` serves.",
    )(command)


def model_option(command: F) -> F:
    """`--model`: the model's name."""
    return click.option("--model", required=True, help="The model's name.")(command)


def json_option(command: F) -> F:
    """`--json`: data instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def by_and_why_options(command: F) -> F:
    """`--by` and `--why`: what the journal says about the person and the reason."""
    command = click.option("--why", default="asked for on the command line", help="The reason, for the journal.")(command)
    return click.option("--by", default=asker, help="Who asks, for the journal.  [default: the user]")(command)


def asker() -> str:
    """The name of the user who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown user"  # a container's user id without a name


def existing_model(root: Path, name: str) -> BasePath:
    """The base path of a model that is there. Raises `NotFound` with the models that are."""
    from tfx_rollout.model_store import ModelStore

    store = ModelStore(root)
    base = store.model(name)
    if name not in (known := store.models()):
        raise NotFound("model", name, f"the root {root}", known)
    return base
