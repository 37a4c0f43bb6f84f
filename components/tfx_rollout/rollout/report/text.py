"""The report for a terminal: a few lines and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.traffic import Track


def render_text(document: Mapping[str, Any]) -> str:
    """A report for a terminal: a few lines and a table of the stages."""
    live = "nothing" if document["stable"] is None else f"version {document['stable']}"
    lines = [
        f"Rollout {document['rollout']} of model {document['model']}: version {document['version']} after {live}",
        f"Outcome   {document['outcome'].replace('_', ' ')}",
        f"Reason    {document['reason']}",
        f"Plan      {document['plan']} (alpha {document['alpha']:g}, beta {document['beta']:g})",
    ]
    if document["seconds_to_decision"] is not None:
        harmed = f"{100 * document['harmed_share']:.2g} % of the requests harmed"
        lines.append(f"Decided   after {document['seconds_to_decision']:.0f} s and {document['windows']} windows; {harmed}")
    if document["evidence"] is not None:
        evidence = document["evidence"]
        lines.append(f"Evidence  {evidence['e_value']:.3g} against it, at {evidence['threshold']:g} it is rolled back")
    if document["stages"]:
        rows = [
            [f"{stage['stage']}", _share(stage), _seconds(stage["seconds"]), *_cells(stage["tracks"], _judged(stage))]
            for stage in document["stages"]
        ]
        rows.append(["all", "", _seconds(document["seconds_to_decision"]), *_cells(document["tracks"], Track.CANARY)])
        head = ["stage", "share", "time", "stable", "failed", "p99", "canary", "failed", "p99"]
        lines += ["", *_table(head, rows)]
    return "\n".join(lines)


def _share(stage: Mapping[str, Any]) -> str:
    if stage["kind"] == "canary":
        return f"{100 * stage['share']:g} %"
    share = stage["mirror"] if stage["kind"] == "shadow" else stage["share"]
    return f"{stage['kind']} {100 * share:g} %" if share else stage["kind"]


def _judged(stage: Mapping[str, Any]) -> Track:
    return Track.SHADOW if stage["kind"] == "shadow" and str(Track.SHADOW) in stage["tracks"] else Track.CANARY


def _cells(tracks: Mapping[str, Mapping[str, Any]], candidate: Track) -> list[str]:
    cells = []
    for track in (Track.STABLE, candidate):
        counts = tracks[str(track)]
        p99 = counts["p99_ms"]
        cells += [f"{counts['requests']:,}", f"{counts['failures']:,}", "-" if p99 is None else f"{p99:.3g} ms"]
    return cells


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
