"""Parts that the views of a rollout and of an A/B test have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tfx_rollout.cli.live.charts import share_bar
from tfx_rollout.control.documents import ModelOverview

NARROW = 90
"""Below so many columns tables leave out what can be done without."""
DIM, GOOD, WARN, BAD = "bright_black", "green", "yellow", "red"


def grid(*columns: str, gap: int = 2) -> Table:
    """A table without lines; a column whose name begins with `>` is set to the right, without its `>`."""
    table = Table(box=None, pad_edge=False, header_style=DIM, padding=(0, gap, 0, 0))
    for column in columns:
        justify: Literal["right", "left"] = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=justify, overflow="ellipsis", no_wrap=True)
    return table


def titled(title: str, *bodies: RenderableType) -> Group:
    """Bodies under a title."""
    return Group(Text(title, style="bold"), *bodies)


def versions_section(overview: ModelOverview, width: int, versions: Iterable[int]) -> Group:
    """Who serves which share, under which labels: the versions that are named, and all others that serve."""
    named = set(versions)
    table = grid("version", "labels", "", ">share", ">wanted", "state")
    bar = max(8, min(30, width - 50))
    for version in overview.versions:
        if not (version.version in named or version.labels or version.share):
            continue
        states = sorted({server.error or server.state for server in version.servers})
        state = ", ".join(states)
        table.add_row(
            str(version.version),
            ", ".join([*version.labels, *version.aliases]),
            share_bar(version.share, bar),
            f"{version.share:.2%}",
            Text(f"{version.desired_share:.2%}", style="" if version.share == version.desired_share else WARN),
            Text(state, style=GOOD if state == "AVAILABLE" else WARN, overflow="ellipsis", no_wrap=True),
        )
    lines: list[RenderableType] = [table]
    if overview.fault:
        lines.append(Text(f"fault: {overview.fault}", style=BAD))
    elif overview.step:
        lines.append(Text(f"now: {overview.step}", style=DIM))
    return titled("Versions", *lines)


def events_section(events: Sequence[Mapping[str, Any]], most: int) -> Group:
    """The last events, the newest first, a line each."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=8)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for event in list(events)[-most:][::-1]:
        happened = Text.assemble(f"{spoken(event['event'])} → {spoken(event['to'])}", (f"  {event['reason']}", DIM))
        table.add_row(Text(clock(event["at"]), style=DIM), happened)
    return titled("Events", table)


def spoken(name: object) -> str:
    """`rolled_back` as `rolled back`."""
    return str(name).replace("_", " ")


def clock(at: float) -> str:
    """The local time of the day."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")
