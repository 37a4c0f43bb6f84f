"""Click groups that import a sub-command only when it is called, and that show our errors as one line."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from tfx_rollout.cli.plain_text import one_line, plain_json
from tfx_rollout.errors import RolloutError


class LazyGroup(click.Group):
    """A group from a table: name → (`module:attribute`, one line of help).

    The help page comes from the table alone, so that it costs no import; `sections` are its parts, each with the
    names that are in it. With `default`, options alone (or nothing at all) are for that sub-command.
    """

    def __init__(
        self,
        *args: Any,
        table: dict[str, tuple[str, str]],
        sections: Mapping[str, Sequence[str]] | None = None,
        default: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table, self._sections, self._default = table, sections or {"Commands": list(table)}, default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the default sub-command in, where none is named."""
        if self._default is not None and (not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

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
        width = max(map(len, self._table))
        for title, names in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), self._table[name][1]) for name in names])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the sub-command; a `RolloutError` becomes one line on stderr and its exit code."""
        try:
            return super().invoke(ctx)
        except RolloutError as error:
            click.echo(f"error: {one_line(error)}", err=True)
            ctx.exit(error.exit_code)


def print_json(data: Any) -> None:
    """Prints one JSON document, indented for a terminal as for a file."""
    click.echo(plain_json(json.dumps(data, indent=2, ensure_ascii=False)))
