"""An A/B test on a terminal: the same as the page shows. A snapshot in, a renderable out; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tfx_rollout.cli.live.charts import evidence_bar, rates, sparkline
from tfx_rollout.cli.live.common import BAD, DIM, GOOD, NARROW, WARN, events_section, grid, titled, versions_section
from tfx_rollout.cli.live.sections import Section, Sections
from tfx_rollout.cli.live.snapshot import ExperimentSnapshot
from tfx_rollout.rollout.report import wording

EVENTS = 5
REASONS = 4
STATES = {"better": GOOD, "worse": WARN, "harmful": BAD}


def experiment_view(snapshot: ExperimentSnapshot, width: int) -> RenderableType:
    """What is known of an A/B test, for a terminal of so many columns (60 or more)."""
    report = snapshot.report
    versions = {arm["version"] for arm in report["arms"] if arm["version"] is not None}
    parts = [
        Section("header", _header(snapshot)),
        Section("arms", _arms(report, width), rank=1),
        Section("evidence", _evidence(report, width), rank=2),
        Section("versions", versions_section(snapshot.overview, width, versions), rank=4),
    ]
    if report["series"]["windows"]["number"]:
        parts.append(Section("traffic", _traffic(report, width), rank=5))
    if report["reasons"] or report["guards"]:
        parts.append(Section("verdict", _verdict(report), rank=3))
    parts.append(Section("events", events_section(report["events"], EVENTS), rank=6))
    return Sections(parts)


def _header(snapshot: ExperimentSnapshot) -> Group:
    test, report = snapshot.experiment, snapshot.report
    metric = report["metric"]
    outcome = report["outcome"]
    style = GOOD if outcome == "winner" else BAD if outcome == "failed" else "cyan"
    lines = [
        Text.assemble((f"{test.model}: A/B test {test.name}", "bold"), f" · {test.id}"),
        Text.assemble((f"{outcome} ({test.phase})", f"bold {style}"), f" · by {test.by}: {test.why}"),
        Text(test.reason),
        Text(f"judged by {metric['name']}, {metric['better']} is better; users told apart by {test.header}", style=DIM),
    ]
    if test.until is not None and not test.finished:
        left = wording.duration(max(0.0, test.until - snapshot.now))
        lines.append(Text(f"ends without a decision in {left}", style=DIM))
    if test.possible_orders:
        lines.append(Text(f"may be ordered: {', '.join(test.possible_orders)}", style=DIM))
    if snapshot.notice:
        lines.append(Text(snapshot.notice, style=BAD))
    return Group(*lines)


def _arms(report: Mapping[str, Any], width: int) -> Group:
    """Who got whom, and what came of it."""
    narrow = width < NARROW
    effect = "odds ratio" if report["effect"] == "odds_ratio" else "difference"
    more = () if narrow else (f">{effect}",)
    table = grid("arm", ">version", ">share", ">users", ">outcomes", f">{report['metric']['name']}", *more, "state")
    for arm in report["arms"]:
        cells = [
            arm["track"],
            "–" if arm["version"] is None else str(arm["version"]),
            wording.percent(arm["share_now"]),
            wording.integer(arm["users"]),
            wording.integer(arm["outcomes"]),
            _value(arm["value"], report["effect"]),
        ]
        table.add_row(*cells, *([] if narrow else [_interval(arm)]), Text(arm["state"], style=STATES.get(arm["state"], "")))
    return titled("Arms", table)


def _value(value: float | None, effect: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if effect == "difference" else wording.percent(value)


def _interval(arm: Mapping[str, Any]) -> str:
    if arm["estimate"] is None:
        return "–"
    low = "any" if arm["low"] is None else f"{arm['low']:.3g}"
    high = "any" if arm["high"] is None else f"{arm['high']:.3g}"
    return f"{arm['estimate']:.3g} ({low} to {high})"


def _evidence(report: Mapping[str, Any], width: int) -> Group:
    """Per variant three e-values on a logarithmic scale, each to the threshold from which it decides."""
    table = grid("variant", "says", "1 to the threshold (log)", ">evidence", ">of")
    bar = max(10, min(40, width - 46))
    for arm in report["arms"]:
        if arm["state"] == "control":
            continue
        kinds = (
            ("better", "evidence_better", "threshold"),
            ("worse", "evidence_worse", "threshold"),
            ("harm", "harm", "harm_threshold"),
        )
        for number, (name, key, limit) in enumerate(kinds):
            value, threshold = arm[key], report[limit]
            table.add_row(
                arm["track"] if not number else "",
                name,
                evidence_bar(value, threshold, bar),
                Text("–" if value is None else wording.evidence(value), style=BAD if value and value >= threshold else ""),
                wording.evidence(threshold),
            )
    return titled(f"Evidence: it decides at {wording.evidence(report['threshold'])} (1/alpha)", table)


def _traffic(report: Mapping[str, Any], width: int) -> Group:
    """Users and failures per arm, and how they went."""
    line = max(6, min(30, (width - 40) // 2))
    table = grid("arm", ">requests", "users", ">failed", "")
    series = report["series"]["windows"]
    shares = {track: rates(series["failures"][track], series["requests"][track]) for track in series["users"]}
    most = max((value for values in shares.values() for value in values[-line:] if value is not None), default=0.0)
    for arm in report["arms"]:
        track = arm["track"]
        table.add_row(
            track,
            wording.integer(arm["requests"]),
            Text(sparkline(series["users"][track], line), style="cyan", no_wrap=True),
            wording.integer(sum(series["failures"][track])),
            Text(sparkline(shares[track], line, most=most), style=BAD, no_wrap=True),
        )
    return titled(f"Traffic, in {report['windows']} windows: users and failures over time", table)


def _verdict(report: Mapping[str, Any]) -> Group:
    lines = [Text(f"· {reason}") for reason in report["reasons"][:REASONS]]
    lines += [Text(f"! {guard['sentence']}", style=WARN) for guard in report["guards"] if guard["raised"]]
    return titled("Verdict", *lines)
