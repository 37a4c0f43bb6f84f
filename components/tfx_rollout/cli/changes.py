"""What changes of the configuration have in common: conditions, dry runs, and how they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tfx_rollout.cli.documents import print_document

if TYPE_CHECKING:
    from tfx_rollout.control.documents import Change

F = TypeVar("F", bound=Callable[..., Any])


def generation_option(command: F) -> F:
    """`--if-generation`: only if nobody came first."""
    text = "Only if the desired state is still at this generation; else exit code 3."
    return click.option("--if-generation", "expected", metavar="N", type=click.IntRange(0), help=text)(command)


def change_options(command: F) -> F:
    """`--if-generation` and `--dry-run`."""
    command = click.option("--dry-run", is_flag=True, help="Write nothing; say what would be done, step by step.")(command)
    return generation_option(command)


def tell_change(change: Change, done: str, *, as_json: bool) -> None:
    """Says what a change did or would do. `done` says it for people, "taxi: version 3 is pinned"."""
    if as_json:
        print_document(change)
        return
    generation = change.configuration.generation
    if not change.changed:
        click.echo(f"{done} already (generation {generation}); nothing is to be done")
        return
    if change.dry_run:
        click.echo(f"{done} after this; nothing was written")
    else:
        click.echo(f"{done} (generation {generation})")
    for number, step in enumerate(change.steps, start=1):
        click.echo(f"  {number}. {step.words}")
