"""A rollout on a terminal: the same as the page shows. A snapshot in, a renderable out; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from tfx_rollout.cli.live.charts import evidence_bar, rates, sparkline
from tfx_rollout.cli.live.common import BAD, DIM, GOOD, NARROW, WARN, events_section, grid, spoken, titled, versions_section
from tfx_rollout.cli.live.sections import Section, Sections
from tfx_rollout.cli.live.snapshot import RolloutSnapshot
from tfx_rollout.cli.tables import in_short
from tfx_rollout.rollout.plan import plan_from_dict
from tfx_rollout.rollout.report import wording
from tfx_rollout.rollout.state import Phase

EVENTS = 5
"""So many of the last events are shown."""
REASONS = 4
PHASE_STYLES = {
    **dict.fromkeys((Phase.PROMOTED, Phase.HOLDING, Phase.PROMOTING), GOOD),
    **dict.fromkeys((Phase.ROLLED_BACK, Phase.ROLLING_BACK, Phase.STEPPING_BACK, Phase.FAILED), BAD),
    **dict.fromkeys((Phase.PAUSED, Phase.AWAITING_APPROVAL), WARN),
}


def rollout_view(snapshot: RolloutSnapshot, width: int) -> RenderableType:
    """What is known of a rollout, for a terminal of so many columns (60 or more)."""
    report, rollout = snapshot.report, snapshot.rollout
    parts = [Section("header", _header(snapshot)), Section("stages", _stages(snapshot), rank=1)]
    parts.append(Section("versions", versions_section(snapshot.overview, width, _versions(snapshot)), rank=3))
    evidence = report["evidence"]
    if evidence is not None:
        parts.append(Section("evidence", _evidence(evidence, report, width), rank=2))
    if report["windows"]:
        parts.append(Section("tracks", _tracks(report, width), rank=4))
    if rollout.reasons:
        parts.append(Section("verdict", _verdict(snapshot), rank=5))
    if evidence is not None and (evidence["gates"] or evidence["guards"]):
        parts.append(Section("gates and guards", _gates(evidence), rank=6))
    parts.append(Section("events", events_section(report["events"], EVENTS), rank=7))
    return Sections(parts)


def _versions(snapshot: RolloutSnapshot) -> set[int]:
    return {version for version in (snapshot.rollout.version, snapshot.rollout.stable) if version is not None}


def _header(snapshot: RolloutSnapshot) -> Group:
    rollout, now = snapshot.rollout, snapshot.now
    after = "the first version" if rollout.stable is None else f"after version {rollout.stable}"
    phase = Phase(rollout.phase)
    since = wording.duration(max(0.0, (rollout.finished_at or now) - rollout.phase_since))
    lines = [
        Text.assemble((f"{rollout.model} version {rollout.version}", "bold"), f" {after} · rollout {rollout.id}"),
        Text.assemble(
            (spoken(rollout.phase), f"bold {PHASE_STYLES.get(phase, 'cyan')}"),
            f" for {since}" if not rollout.finished else "",
            f" · plan {rollout.plan} · by {rollout.by}: {rollout.why}",
        ),
        Text(in_short(rollout.reason)),
    ]
    if rollout.asked:
        lines.append(Text(f"A person is asked about: {', '.join(rollout.asked)}", style=WARN))
    if rollout.deadline is not None:
        left = wording.duration(max(0.0, rollout.deadline - now))
        then = spoken(snapshot.report["plan_document"]["on_deadline"])
        lines.append(Text(f"Without a word it does this in {left}: {then}", style=WARN))
    for order in rollout.orders:
        lines.append(Text(f"ordered by {order.by}, not taken up yet: {order.kind}", style=WARN))
    if rollout.possible_orders:
        lines.append(Text(f"may be ordered: {', '.join(rollout.possible_orders)}", style=DIM))
    if snapshot.notice:
        lines.append(Text(snapshot.notice, style=BAD))
    return Group(*lines)


def _stages(snapshot: RolloutSnapshot) -> Group:
    """The stages in a row, then what the present one still takes."""
    rollout, report = snapshot.rollout, snapshot.report
    rows = {row["stage"]: row for row in report["stages"]}
    stages = plan_from_dict(report["plan_document"]).stages
    line = Text()
    for number, stage in enumerate(stages, start=1):
        row = rows.get(number)
        left = row is not None and row["left_at"] is not None
        here = number == rollout.stage and not rollout.finished
        took = f" {wording.duration(row['seconds'])}" if row is not None and left else ""
        name = wording.stage_name(vars(stage)) + took
        line.append(" ─ " if number > 1 else "", style=DIM)
        line.append(f"[{name}]" if here else name, style="bold cyan" if here else GOOD if left else DIM)
    line.append(" ─ ", style=DIM)
    line.append("live", style=GOOD if rollout.outcome in ("promoted", "first_version") else DIM)
    lines: list[RenderableType] = [line]
    present = rows.get(rollout.stage)
    if present is not None and present["left_at"] is None and not rollout.finished:
        stage = stages[rollout.stage - 1]
        in_force = wording.duration(max(0.0, snapshot.now - present["in_force_at"]))
        span = f"{wording.duration(stage.min_seconds)} to {wording.duration(stage.max_seconds)}"
        said = f"in force for {in_force} of {span}" + (f"; {rollout.remaining}" if rollout.remaining else "")
        lines.append(Text(said, style=DIM))
    return titled(f"Stage {rollout.stage} of {rollout.stages}, canary at {wording.percent(rollout.share)}", *lines)


def _evidence(evidence: Mapping[str, Any], report: Mapping[str, Any], width: int) -> Group:
    """Per metric the e-value on a logarithmic scale to the threshold, with the counts behind it."""
    threshold = evidence["threshold"]
    narrow = width < NARROW
    table = grid("metric", ">weight", f"1 to {wording.evidence(threshold)} (log)", ">evidence", *([] if narrow else ["compared"]))
    bar = max(10, min(40, width - (34 if narrow else 80)))
    for name, e_value, weight, said in _metrics(evidence, report["alpha"]):
        style = BAD if e_value >= threshold else ""
        cells: list[RenderableType] = [
            Text(name, style="bold" if weight is None else ""),
            "" if weight is None else f"{weight:.0%}",
            evidence_bar(e_value, threshold, bar),
            Text(wording.evidence(e_value), style=style),
        ]
        table.add_row(*cells, *([] if narrow else [Text(said, style=DIM, overflow="ellipsis", no_wrap=True)]))
    return titled(f"Evidence against it: at {wording.evidence(threshold)} (1/alpha) it is rolled back", table)


def _metrics(evidence: Mapping[str, Any], alpha: float) -> Iterator[tuple[str, float, float | None, str]]:
    yield "all", evidence["e_value"], None, "the weighted mean, which decides"
    for name, metric in evidence["metrics"].items():
        leading = max(metric["tests"], key=lambda test: test["e_value"], default=None)
        shown = "" if leading is None else wording.compared(leading)
        yield name, metric["e_value"], metric["weight"], shown


def _tracks(report: Mapping[str, Any], width: int) -> Group:
    """Error rate and latencies per track, and how they went."""
    gap = 1 if width < NARROW else 2
    line = max(6, min(30, (width - 43 - 8 * gap) // 2))
    table = grid("track", ">requests", ">failed", ">rate", "", ">p50", ">p99", "", gap=gap)
    series = report["series"]["tracks"]
    most = {name: _most(series, name, line) for name in ("rate", "p99_ms")}
    for track, counts in report["tracks"].items():
        points = series.get(track)
        failed = rates(points["failures"], points["requests"]) if points else []
        rate = counts["failures"] / counts["requests"] if counts["requests"] else None
        table.add_row(
            track,
            wording.integer(counts["requests"]),
            wording.integer(counts["failures"]),
            "–" if rate is None else wording.percent(rate),
            Text(sparkline(failed, line, most=most["rate"]), style=BAD, no_wrap=True),
            _ms(counts["p50_ms"]),
            _ms(counts["p99_ms"]),
            Text(sparkline(points["p99_ms"] if points else [], line, most=most["p99_ms"]), style="cyan", no_wrap=True),
        )
    return titled(f"Tracks, in {report['windows']} windows: error rate and p99 over time", table)


def _most(series: Mapping[str, Any], name: str, line: int) -> float:
    """The largest value that any track's sparkline shows, so that all have one scale."""
    found = [
        value
        for points in series.values()
        for value in (rates(points["failures"], points["requests"]) if name == "rate" else points[name])[-line:]
    ]
    return max((value for value in found if value is not None), default=0.0)


def _verdict(snapshot: RolloutSnapshot) -> Group:
    rollout = snapshot.rollout
    lines = [Text(f"· {reason}") for reason in rollout.reasons[:REASONS]]
    return titled(f"Verdict after window {rollout.windows}: {rollout.call}", *lines)


def _gates(evidence: Mapping[str, Any]) -> Group:
    """What has to be so before the stage passes, and whether the comparison is fair."""
    lines = []
    for gate in evidence["gates"].values():
        sign, style = ("✓", GOOD) if gate["passed"] else ("·", DIM)
        lines.append(_signed(sign, style, gate["name"], gate["sentence"]))
    for guard in evidence["guards"].values():
        sign, style = ("!", BAD) if guard["raised"] else ("✓", GOOD)
        lines.append(_signed(sign, style, f"fair: {guard['name']}", guard["sentence"]))
    return titled("Gates and guards", *lines)


def _signed(sign: str, style: str, name: str, sentence: str) -> Text:
    return Text.assemble((f"{sign} {name:<16}", style), f" {sentence}", overflow="ellipsis", no_wrap=True)


def _ms(value: float | None) -> str:
    return "–" if value is None else wording.milliseconds(value)
