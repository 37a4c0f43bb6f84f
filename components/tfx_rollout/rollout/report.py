"""The report of a rollout: what was done, with which evidence, from the journal's records alone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tfx_rollout.evidence import TrackCounts, Window
from tfx_rollout.rollout.operations import RolloutRecord
from tfx_rollout.rollout.plan import Plan
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.traffic import Track

SCHEMA = 1
_TRACKS = (Track.STABLE, Track.CANARY)
_DECISIONS = (Phase.HOLDING, Phase.PROMOTING, Phase.ROLLING_BACK)


def build_report(record: RolloutRecord) -> dict[str, Any]:
    """The report as a JSON-able document. Times are seconds since the epoch, shares 0 to 1.

    `outcome` is `promoted`, `first_version`, `rolled_back` or `failed`; `passed` where all stages have passed
    and it holds for the blessing; `running` before that. `passed` (true or false) is what a pipeline
    goes by. `harmed_share` is the share of all requests in the windows that the candidate failed.
    """
    state, plan = record.state, record.plan
    windows = [window for window in record.windows if not window.void]
    decision = next((event for event in record.events if event["to"] in _DECISIONS), None)
    in_force = [event for event in record.events if event["event"] == "stage_in_force"]
    evidence = None if decision is None else record.verdicts.get(decision["window"])
    tracks = _tracks(windows)
    requests = sum(track["requests"] for track in tracks.values())
    return {
        "schema": SCHEMA,
        "rollout": state.id,
        "model": state.model,
        "version": state.version,
        "stable": state.stable,
        "digest": state.digest,
        "generation": state.generation,
        "outcome": outcome(state),
        "passed": state.passed,
        "phase": str(state.phase),
        "reason": state.reason,
        "by": state.by,
        "why": state.why,
        "plan": plan.name,
        "alpha": plan.alpha,
        "beta": plan.beta,
        "attempt": state.attempt,
        "created_at": state.created_at,
        "decided_at": None if decision is None else decision["at"],
        "seconds_to_decision": None if decision is None or not in_force else decision["at"] - in_force[0]["at"],
        "finished_at": state.finished_at,
        "stages": [_stage(plan, index, event, record.events, windows) for index, event in _latest_by_stage(in_force)],
        "tracks": tracks,
        "harmed_share": tracks[str(Track.CANARY)]["failures"] / requests if requests else 0.0,
        "evidence": None if evidence is None else evidence.to_json(),
        "windows": len(windows),
        "void_windows": len(record.windows) - len(windows),
        "bad_windows": [window.number for window in windows if window.counts(Track.CANARY).failures],
        "events": record.events,
    }


def outcome(state: RolloutState) -> str:
    """One word for how it stands: the outcome, or `first_version` and `passed` while it holds, or `running`."""
    if state.outcome is not None:
        return state.outcome
    if state.passed:
        return "first_version" if state.first_version else "passed"
    return "running"


def render_text(document: Mapping[str, Any]) -> str:
    """A report for a terminal: a few lines and two small tables."""
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
            [f"{stage['stage']}", f"{100 * stage['share']:g} %", _seconds(stage["seconds"]), *_cells(stage["tracks"])]
            for stage in document["stages"]
        ]
        rows.append(["all", "", _seconds(document["seconds_to_decision"]), *_cells(document["tracks"])])
        head = ["stage", "share", "time", "stable", "failed", "p99", "canary", "failed", "p99"]
        lines += ["", *_table(head, rows)]
    return "\n".join(lines)


def _stage(
    plan: Plan, index: int, opened: Mapping[str, Any], events: Sequence[Mapping[str, Any]], windows: Sequence[Window]
) -> dict[str, Any]:
    stage = plan.stages[index]
    later = (event for event in events if event["number"] > opened["number"])
    left = next((event["at"] for event in later if event["stage"] != index or event["to"] not in _WATCHED), None)
    own = [window for window in windows if window.split == stage.split]
    return {
        "stage": index + 1,
        "share": stage.share,
        "in_force_at": opened["at"],
        "left_at": left,
        "seconds": None if left is None else left - opened["at"],
        "windows": len(own),
        "tracks": _tracks(own),
    }


_WATCHED = (Phase.RUNNING, Phase.AWAITING_APPROVAL, Phase.HOLDING)


def _latest_by_stage(in_force: Iterable[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    return sorted({event["stage"]: event for event in in_force}.items())


def _tracks(windows: Iterable[Window]) -> dict[str, dict[str, Any]]:
    totals = {track: TrackCounts() for track in _TRACKS}
    for window in windows:
        for track in _TRACKS:
            totals[track] += window.counts(track)
    return {str(track): _track(counts) for track, counts in totals.items()}


def _track(counts: TrackCounts) -> dict[str, Any]:
    quantiles = {f"p{100 * q:g}_ms": counts.latency.quantile(q) for q in (0.5, 0.9, 0.99)}
    return {
        "requests": counts.requests,
        "failures": counts.failures,
        "unanswered": counts.unanswered,
        "codes": dict(sorted(counts.codes.items())),
        **{name: None if us is None else us / 1000 for name, us in quantiles.items()},
    }


def _cells(tracks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    cells = []
    for track in _TRACKS:
        counts = tracks[str(track)]
        p99 = counts["p99_ms"]
        cells += [f"{counts['requests']:,}", f"{counts['failures']:,}", "-" if p99 is None else f"{p99:.3g} ms"]
    return cells


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
