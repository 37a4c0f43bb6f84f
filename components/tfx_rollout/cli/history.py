"""`tfx-rollout history`: what was desired when, and when it was in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.options import control_options, json_option, model_option
from tfx_rollout.cli.tables import in_short, print_table, when

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place


def page_options(command: Any) -> Any:
    """`--limit` and `--offset`."""
    command = click.option("--offset", default=0, type=click.IntRange(0), help="So many of the newest are left out.")(command)
    return click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 1000), help="How many to show.")(command)


@click.command()
@control_options
@model_option
@page_options
@json_option
def history(place: Place, model: str, limit: int, offset: int, as_json: bool) -> None:
    """List every state that was desired of a model, and when it was in force; newest first."""
    found = place.control().history(model, limit=limit, offset=offset)
    if as_json:
        print_document(found)
        return
    print_table(
        f"History of {model}: {len(found.events)} of {found.total}",
        ("when", "what", "labels", "shares", "by", "why"),
        (_row(event) for event in found.events),
    )


def _row(event: Mapping[str, Any]) -> tuple[object, ...]:
    if event["event"] == "removed":
        return when(event["at"]), f"version {event['version']} removed for good", None, None, None, None
    if event["event"] == "applied":
        return when(event["at"]), f"generation {event['generation']} in force", None, None, None, None
    cause = event["cause"]
    names = {**event["labels"], **event.get("aliases", {})}
    return (
        when(event["at"]),
        f"generation {event['generation']} desired",
        ", ".join(f"{name} {version}" for name, version in names.items()) or None,
        ", ".join(f"{track} {units / 100:g} %" for track, units in event["split"].items() if units) or None,
        cause["by"],
        in_short(cause["why"]),
    )
