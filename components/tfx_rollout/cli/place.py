"""Where a command acts: on the files of a root, or by the API of one. Here, and only here, a `Control` is made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.plain_text import one_line
from tfx_rollout.errors import InvalidInput

if TYPE_CHECKING:
    from tfx_rollout.control.interface import Control

TOKEN = "TFX_ROLLOUT_TOKEN"
"""The variable that a token comes from; never from an option's value, which every process of the machine can read."""


@dataclass(frozen=True)
class Place:
    """One of `root` and `server` is given."""

    root: Path | None
    server: str | None
    token_file: Path | None = None
    ca: Path | None = None

    def control(self, by: str | None = None) -> Control:
        """What asks there. On a root's files `by` asks, by default the user; over the API it is whom the token belongs to.

        Raises `InvalidInput` where that makes no sense, or a file that is named cannot be read. Nothing is asked yet.
        """
        if self.root is not None:
            from tfx_rollout.control.local import LocalControl
            from tfx_rollout.model_store import ModelStore

            return LocalControl(ModelStore(self.root), by=by or asker())
        assert self.server is not None
        if by is not None:
            raise InvalidInput("The API records whom the token belongs to; leave --by out, or give --root.")
        from tfx_rollout.control.remote import RemoteControl

        return RemoteControl(self.server, token=self._token(), ca=self.ca)

    def warn_when_unserved(self) -> None:
        """Says on stderr that nothing acts on the root's files. Who serves an API serves the root, too."""
        if self.root is None:
            return
        from tfx_rollout.supervisor.presence import running_supervisor

        if running_supervisor(self.root) is None:
            click.echo(f"Nothing happens until a supervisor serves this root: tfx-rollout serve {self.root}", err=True)

    def files(self, what: str) -> Path:
        """The root, for what needs its files. `InvalidInput` where a server was named."""
        if self.root is None:
            raise InvalidInput(f"{what} needs the files of the root; give --root ROOT on the machine that has them.")
        return self.root

    def _token(self) -> str | None:
        if self.token_file is None:
            token, source = os.environ.get(TOKEN, "").strip(), f"The variable {TOKEN}"
            if not token:
                return None
        else:
            source = f"The file {self.token_file}"
            try:
                token = self.token_file.read_text().strip()
            except (OSError, UnicodeDecodeError) as fault:
                said = fault.strerror if isinstance(fault, OSError) else "it is no text"
                raise InvalidInput(f"{source} cannot be read ({said}); name one that has a token alone.") from fault
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            raise InvalidInput(f"{source} has no token; it must hold what `tfx-rollout token create` printed, and nothing else.")
        return token


def asker() -> str:
    """The name of the user who runs the command."""
    import getpass

    try:
        return one_line(getpass.getuser()).strip()
    except (KeyError, OSError):
        return "unknown user"  # a container's user id without a name
