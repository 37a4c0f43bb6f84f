"""A report as it is asked for: as text, as JSON, as a page, or a page beside one of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.plain_text import spelt_out

STDOUT = Path("-")
"""How a user names the standard output."""
Renderer = Callable[[Mapping[str, Any]], str]

page_option = click.option(
    "--html",
    "page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write a page with charts that needs no network; - is the standard output.",
)


def check_forms(page: Path | None, as_json: bool) -> None:
    """`UsageError` where two forms are to go to the standard output."""
    if as_json and page == STDOUT:
        raise click.UsageError("--json and --html - both print to the standard output; choose one, or give --html a file.")


def tell_report(
    document: Mapping[str, Any], title: str, *, text: Renderer, html: Renderer, page: Path | None, as_json: bool
) -> None:
    """Writes and prints the report in the forms that are asked for. `title` names it where only a page is written."""
    from tfx_rollout.model_store import write_text

    if page == STDOUT:
        click.echo(html(document))
    elif page is not None:
        write_text(page, html(document))
    if as_json:
        print_json(document)
    elif page is None:
        click.echo(spelt_out(text(document)))
    elif page != STDOUT:
        click.echo(f"{title}: the report is in {page}")
