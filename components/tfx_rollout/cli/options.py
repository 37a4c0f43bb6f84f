"""Options that several sub-commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from tfx_rollout.cli.place import Place, asker
from tfx_rollout.cli.plain_text import spelt_out
from tfx_rollout.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath

F = TypeVar("F", bound=Callable[..., Any])

_ROOT: dict[str, Any] = {
    "type": click.Path(path_type=Path),
    "envvar": "TFX_ROLLOUT_ROOT",
    "show_envvar": True,
    "help": "The folder that `tfx-rollout serve` serves.",
}
MOST_CHARACTERS = 1000
"""Of a reason or a name for the record; the API takes no more."""
_SERVER, _SERVER_VARIABLE = "--server", "TFX_ROLLOUT_SERVER"


def root_option(command: F) -> F:
    """`--root`: the folder that `tfx-rollout serve` serves, for commands that need its files."""
    command = click.option(_SERVER, hidden=True, expose_value=False, callback=_files_are_needed)(command)
    return click.option("--root", required=True, **_ROOT)(command)


def control_options(command: F) -> F:
    """`--root`, or `--server` with what is needed to talk to one; the command is given the `Place` as `place`."""

    @functools.wraps(command)
    def placed(
        *args: Any, root: Path | None, server: str | None, token_file: Path | None, ca: Path | None, **options: Any
    ) -> Any:
        return command(*args, place=_chosen(root, server, token_file, ca), **options)

    for option in (
        click.option("--ca", type=click.Path(path_type=Path, dir_okay=False), help="Certificates to trust, of an API with TLS."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The file that has the token for --server.  [default: what TFX_ROLLOUT_TOKEN holds]",
        ),
        click.option(
            _SERVER, metavar="URL", envvar=_SERVER_VARIABLE, show_envvar=True, help="The API of a root, instead of --root."
        ),
        click.option("--root", **_ROOT),
    ):
        placed = option(placed)
    return placed  # type: ignore[return-value]


def model_option(command: F) -> F:
    """`--model`: the model's name."""
    return click.option("--model", required=True, help="The model's name.")(command)


def json_option(command: F) -> F:
    """`--json`: data instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def why_option(command: F) -> F:
    """`--why`: the reason."""
    return click.option(
        "--why", default="asked for on the command line", callback=for_the_record, help="The reason, for the record."
    )(command)


def for_the_record(_context: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    """What a person says, as the records and the API take it: one line of text. Raises `BadParameter`."""
    if given is None:
        return None
    text = " ".join(given.split())
    if not text or len(text) > MOST_CHARACTERS:
        raise click.BadParameter(f"it has {len(text)} characters; give 1 to {MOST_CHARACTERS}.")
    if spelt_out(text) != text:
        raise click.BadParameter(f"{spelt_out(text)} has characters that are no text in UTF-8; leave them out.")
    return text


def by_and_why_options(command: F) -> F:
    """`--by` and `--why`: what the journal says about the person and the reason; for commands that need the root's files."""
    text = "Who asks, for the record.  [default: the user]"
    return click.option("--by", default=asker, callback=for_the_record, help=text)(why_option(command))


def asking_options(command: F) -> F:
    """`--by` and `--why`, where it may be a server that is asked: then the token tells who asks, and `by` is None."""
    text = "Who asks, for the record.  [default: the user; over --server whom the token belongs to]"
    return click.option("--by", callback=for_the_record, help=text)(why_option(command))


def existing_model(root: Path, name: str) -> BasePath:
    """The base path of a model that is there. Raises `NotFound` with the models that are."""
    from tfx_rollout.model_store import ModelStore

    store = ModelStore(root)
    base = store.model(name)
    if name not in (known := store.models()):
        raise NotFound("model", name, f"the root {root}", known)
    return base


def _files_are_needed(context: click.Context, parameter: click.Parameter, given: str | None) -> None:
    if given is not None:
        raise InvalidInput(
            f"`{context.command_path}` needs the files of the root and cannot be asked of a server; "
            "give --root ROOT on the machine that has them."
        )


def _chosen(root: Path | None, server: str | None, token_file: Path | None, ca: Path | None) -> Place:
    """What was named, the command line before the environment."""
    context = click.get_current_context()
    said = {name: context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("root", "server")}
    if root is not None and server is not None and said["root"] != said["server"]:
        root, server = (root, None) if said["root"] else (None, server)
    if root is not None and server is not None:
        raise click.UsageError("Both a root and a server are named; give one of --root and --server.")
    if root is None and server is None:
        raise click.UsageError(
            "Neither a root nor a server is named; give --root ROOT (or TFX_ROLLOUT_ROOT), the folder that is served, "
            "or --server URL (or TFX_ROLLOUT_SERVER), its API."
        )
    if server is None and (token_file or ca):
        raise click.UsageError("--token-file and --ca are for --server; leave them out.")
    return Place(root, server, token_file, ca)
