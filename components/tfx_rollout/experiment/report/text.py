"""The report for a terminal: a few lines and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any


def render_experiment_text(document: Mapping[str, Any]) -> str:
    """A report (`build_experiment_report`) for a terminal: a few lines and a table of the arms."""
    metric = document["metric"]
    lines = [
        f"A/B test {document['experiment']} of model {document['model']}: {document['name']}",
        f"Outcome   {document['outcome']}" + (f", {document['winner']}" if document["winner"] else ""),
        f"Reason    {document['reason']}",
        f"Metric    {metric['name']} ({metric['kind']}, {metric['better']} is better, within {metric['within_seconds']:g} s)",
        f"Users     by the header {document['header']}; {document['unassigned']:,} requests without it were not counted",
        f"Windows   {document['windows']:,} ({document['void_windows']:,} more are void), outcomes of {document['matured']:,}",
        f"Evidence  decides from {document['threshold']:g} on (alpha {document['alpha']:g}), "
        f"of harm from {document['harm_threshold']:g}",
    ]
    if document["outcome"] == "running":
        ends = datetime.fromtimestamp(document["ends_at"], timezone.utc)
        lines.append(f"Ends      {ends:%Y-%m-%d %H:%M} UTC at the latest")
    lines += [f"Guard     {guard['sentence']}" for guard in document["guards"] if guard["raised"]]
    effect = "odds ratio" if document["effect"] == "odds_ratio" else "difference"
    head = ["arm", "version", "share", "users", "outcomes", metric["name"], effect, "better", "worse", "harm", "state"]
    return "\n".join([*lines, "", *_table(head, [_cells(document, arm) for arm in document["arms"]])])


def _cells(document: Mapping[str, Any], arm: Mapping[str, Any]) -> list[str]:
    value = arm["value"]
    if value is None:
        shown = "-"
    elif document["effect"] == "difference":
        shown = f"{value:.4g}"
    else:
        shown = f"{100 * value:.3g} %"
    interval = "-"
    if arm["estimate"] is not None:
        top = "any" if arm["high"] is None else f"{arm['high']:.3g}"
        interval = f"{arm['estimate']:.3g} ({arm['low']:.3g} to {top})"
    evidence = ["-" if arm[name] is None else f"{arm[name]:.3g}" for name in ("evidence_better", "evidence_worse", "harm")]
    return [
        arm["track"],
        "-" if arm["version"] is None else f"{arm['version']}",
        f"{100 * arm['share']:g} %",
        f"{arm['users']:,}",
        f"{arm['outcomes']:,}",
        shown,
        interval,
        *evidence,
        arm["state"],
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
