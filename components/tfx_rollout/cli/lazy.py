"""A click group that imports a sub-command only when it is called, and that shows our errors as one line."""

from __future__ import annotations

import importlib
import json
from typing import Any

import click

from tfx_rollout.errors import RolloutError


class LazyGroup(click.Group):
    """A group from a table: name → (`module:attribute`, one line of help).

    The help page comes from the table alone, so that it costs no import.
    """

    def __init__(self, *args: Any, table: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns the sub-command."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the sub-command; a `RolloutError` becomes one line on stderr and its exit code."""
        try:
            return super().invoke(ctx)
        except RolloutError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)


def print_json(data: Any) -> None:
    """Prints one JSON document, indented for a terminal as for a file."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
