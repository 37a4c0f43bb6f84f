"""The report as one document: what was tested, with which evidence, and what came of it, from the journal's records alone.
Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx_rollout.experiment.judge import assess
from tfx_rollout.experiment.judge.verdict import ExperimentVerdict
from tfx_rollout.experiment.operations import ExperimentRecord
from tfx_rollout.experiment.report.series import evidence_series, window_series
from tfx_rollout.experiment.state import ExperimentState
from tfx_rollout.traffic import Track

SCHEMA = 1


def build_experiment_report(record: ExperimentRecord) -> dict[str, Any]:
    """The report as a JSON-able document. Times are seconds since the epoch, shares 0 to 1.

    - `schema`, `kind` (`experiment`), `experiment` (the id), `model`, `name`, `by`, `why`;
    - `outcome` (`running`, `winner`, `control`, `inconclusive`, `stopped`, `failed`), `phase`, `reason`, `winner` (a track or
      None), `promoted` (a version or None), `control` (the version of arm A);
    - `created_at`, `began_at` (when users were first split), `decided_at`, `finished_at`, `ends_at`;
    - `metric` and `plan_document` as the plan has them, `header`, `effect` (`odds_ratio` or `difference`: what `estimate`,
      `low` and `high` are), `alpha`, `threshold` (1/alpha, for `evidence_better` and `evidence_worse`), `harm_threshold`,
      `min_units`;
    - `arms`: one row each, the live version first: `track`, `version`, `share` (by the plan), `share_now`, `state` (`control`,
      `open`, `better`, `worse`, `harmful`), `users`, `requests`, `failed_users`, `outcomes`, `positives`, `value` (share
      of a yes, or mean), `estimate`, `low`, `high` (None: no bound), `evidence_better`, `evidence_worse`, `harm`; what compares
      is None for the live version. The interval holds at every look, and for all variants at once;
    - `guards`: `name`, `raised`, `e_value`, `threshold`, `sentence`; `withheld`, whether one is raised;
    - `reasons`: the last verdict's sentences;
    - `windows`, `void_windows`, `matured` (windows whose users' outcomes are known), `unassigned` (requests without
      the header), `ignored` (rows of feedback that are none of the metric);
    - `series.windows`: columns `number`, `start`, `end`, `unassigned`, and by track `users`, `requests`, `failures`;
    - `series.evidence`: columns `at`, `window`, `matured`, and by variant `better`, `worse`, `harm`, `estimate`, `low`,
      `high`; by
      every track `value` and `outcomes`. Both series are thinned where there are very many points;
    - `events` and `orders` (each with `taken`), all of them.
    """
    state, plan = record.state, record.plan
    verdict = _verdict(record)
    windows = [window for window in record.windows if not window.void]
    return {
        "schema": SCHEMA,
        "kind": "experiment",
        "experiment": state.id,
        "model": state.model,
        "name": state.name,
        "by": state.by,
        "why": state.why,
        "outcome": experiment_outcome(state),
        "phase": str(state.phase),
        "reason": state.reason,
        "winner": None if state.winner is None else str(state.winner),
        "promoted": state.promoted,
        "control": state.control,
        "generation": state.generation,
        "created_at": state.created_at,
        "began_at": _at(record.events, "ready"),
        "decided_at": _decided_at(record.events),
        "finished_at": state.finished_at,
        "ends_at": state.ends_at,
        "metric": plan.metric.to_json(),
        "plan_document": plan.to_json(),
        "header": plan.header,
        "effect": "difference" if plan.metric.kind == "number" else "odds_ratio",
        "alpha": plan.alpha,
        "threshold": verdict.threshold,
        "harm_threshold": verdict.harm_threshold,
        "min_units": plan.min_units,
        "arms": arm_rows(state, verdict, record),
        "guards": [guard.to_json() for guard in verdict.guards.values()],
        "withheld": verdict.withheld,
        "reasons": list(verdict.reasons),
        "windows": len(windows),
        "void_windows": len(record.windows) - len(windows),
        "matured": len(record.outcomes),
        "unassigned": sum(window.unassigned for window in windows),
        "ignored": sum(window.ignored for window in record.outcomes),
        "series": {
            "windows": window_series(windows, plan.tracks),
            "evidence": evidence_series(record.windows, record.verdicts, plan.tracks),
        },
        "events": record.events,
        "orders": [{**order.to_json(), "taken": order.number <= state.orders_done} for order in record.orders],
    }


def experiment_outcome(state: ExperimentState) -> str:
    """One word for how it stands: what it came to, or `running`."""
    return state.outcome or "running"


def arm_rows(state: ExperimentState, verdict: ExperimentVerdict, record: ExperimentRecord) -> list[dict[str, Any]]:
    """One row an arm, the live version first."""
    split = record.plan.split
    now = None if state.wanted is None or state.finished else state.wanted.split
    rows = []
    for track in (Track.STABLE, *record.plan.tracks):
        row = verdict.arms[track].to_json()
        if track is Track.STABLE and state.control is None:
            row["version"] = None
        rows.append({"share": split.share(track), "share_now": _share(now, track), **row})
    return rows


def _share(now: Any, track: Track) -> float:
    if now is None:
        return 1.0 if track is Track.STABLE else 0.0
    return float(now.share(track))


def _verdict(record: ExperimentRecord) -> ExperimentVerdict:
    return record.state.verdict or assess(record.plan, record.state.judge, record.state.versions)


_DECIDING = ("hold", "restore", "promote", "impossible", "withdrawn", "overruled")


def _decided_at(events: Sequence[Mapping[str, Any]]) -> float | None:
    return next((event["at"] for event in events if event["event"] in _DECIDING), None)


def _at(events: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return next((event["at"] for event in events if event["event"] == name), None)
