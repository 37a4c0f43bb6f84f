"""The report as one document: what was done, by whom, with which evidence, from the journal's records alone. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.rollout.operations import RolloutRecord
from tfx_rollout.rollout.report.answers import labels, predictions
from tfx_rollout.rollout.report.odds import with_odds_ratios
from tfx_rollout.rollout.report.series import window_series
from tfx_rollout.rollout.report.stages import in_force, stage_rows
from tfx_rollout.rollout.report.tracks import reported_tracks, track_totals
from tfx_rollout.rollout.report.verdicts import bounded, verdict_rows
from tfx_rollout.rollout.state import RolloutState
from tfx_rollout.traffic import Track

SCHEMA = 2


def build_report(record: RolloutRecord) -> dict[str, Any]:
    """The report as a JSON-able document; `docs/report.md` explains every field.

    Times are seconds since the epoch, shares 0 to 1. `outcome` is `promoted`, `first_version`, `rolled_back` or
    `failed`; `passed` where all stages have passed and it holds for the blessing; `running` before that. `passed`
    (true or false) is what a pipeline goes by. Windows are thinned and verdicts put together where there are very
    many; the document says so. Events and orders are all there.
    """
    state, plan = record.state, record.plan
    windows = [window for window in record.windows if not window.void]
    tracks = reported_tracks(windows)
    opened = in_force(record.events)
    decision = _decision(record.events)
    evidence_window = decision["window"] if decision else max(record.verdicts, default=None)
    evidence = None if evidence_window is None else record.verdicts.get(evidence_window)
    rows, left_out = bounded(verdict_rows(windows, record.verdicts, opened))
    threshold = plan.rollback_threshold(state.attempt)
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
        "plan_document": plan.to_json(),
        "alpha": plan.alpha,
        "beta": plan.beta,
        "weights": plan.weights(),
        "attempt": state.attempt,
        "threshold": threshold,
        "suspicion": math.sqrt(threshold),
        "created_at": state.created_at,
        "decided_at": None if decision is None else decision["at"],
        "seconds_to_decision": None if decision is None or not opened else decision["at"] - opened[0]["at"],
        "finished_at": state.finished_at,
        "stages": stage_rows(plan, record.events, windows, record.verdicts, tracks),
        "tracks": track_totals(windows, tracks),
        "harmed_share": _harmed_share(record),
        "predictions": predictions(windows, plan.predictions.kind, tracks),
        "labels": labels(windows),
        "evidence": None if evidence is None else with_odds_ratios(evidence),
        "evidence_window": None if evidence is None else evidence_window,
        "windows": len(windows),
        "void_windows": len(record.windows) - len(windows),
        "bad_windows": [window.number for window in windows if window.counts(Track.CANARY).failures],
        "series": window_series(windows, record.verdicts, plan.weights(), tracks),
        "verdicts": rows,
        "verdicts_left_out": left_out,
        "events": record.events,
        "orders": [{**order.to_json(), "taken": order.number <= state.orders_done} for order in record.orders],
    }


def outcome(state: RolloutState) -> str:
    """One word for how it stands: the outcome, or `first_version` and `passed` while it holds, or `running`."""
    if state.outcome is not None:
        return state.outcome
    if state.passed:
        return "first_version" if state.first_version else "passed"
    return "running"


_PASSING = ("holding", "promoting")
_BACK = ("stepping_back", "rolling_back")


def _decision(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The event that decided: the one that turned it back, else the one with which all stages had passed."""
    for phases in (_BACK, _PASSING):
        for event in events:
            if event["to"] in phases:
                return event
    return None


def _harmed_share(record: RolloutRecord) -> float:
    """Of all requests that were counted, those of void windows too, the share that the candidate failed."""
    served = [window.counts(track) for window in record.windows for track in (Track.STABLE, Track.CANARY)]
    requests = sum(counts.requests for counts in served)
    failed = sum(window.counts(Track.CANARY).failures for window in record.windows)
    return failed / requests if requests else 0.0
