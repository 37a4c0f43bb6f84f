"""Describes the Grafana board and writes it: `python -m tfx_rollout.metrics.monitoring.board` renews `board.json`.

Every query takes the model from the board's variable and Prometheus from its data source variable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tfx_rollout.metrics.monitoring import FOLDER

FILE = FOLDER / "board.json"
SCHEMA_VERSION = 39
"""Of Grafana 11; newer ones take it as well."""

Json = dict[str, Any]
Kind = Literal["timeseries", "table", "stat", "state-timeline"]

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 24, 8
_MODEL = 'model=~"$model"'
_BY_VERSION = "{{model}} {{track}} · version {{version}}"
_BY_TRACK = "{{model}} {{track}}"


@dataclass(frozen=True)
class Query:
    """One query in Prometheus' language, and what its series are called."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One panel: a title, a sentence, and queries whose values have a unit of Grafana's."""

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 12
    stacked: bool = False
    logarithmic: bool = False
    most: float | None = None
    """The end of the scale, where it has one."""
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Text and colour for single values."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


_YES_NO = {"0": ("no", "red"), "1": ("yes", "green")}


def _seconds(quantile: str) -> str:
    rate = f"rate(tfx_rollout_request_duration_seconds_bucket{{{_MODEL}}}[$__rate_interval])"
    return f"histogram_quantile({quantile}, sum by (model, track, le) ({rate}))"


def _requests(by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate(tfx_rollout_requests_total{{{_MODEL}{more}}}[$__rate_interval]))"


ROWS = (
    Row(
        "Who serves",
        (
            Panel(
                "Share in force",
                "What the gateway draws for each track now.",
                (Query(f"tfx_rollout_traffic_share_ratio{{{_MODEL}}}", _BY_VERSION),),
                unit="percentunit",
                stacked=True,
                most=1,
            ),
            Panel(
                "Share wanted",
                "What the desired state asks for.",
                (Query(f"tfx_rollout_traffic_desired_share_ratio{{{_MODEL}}}", _BY_VERSION),),
                unit="percentunit",
                stacked=True,
                most=1,
            ),
            Panel(
                "Versions",
                "Which server answers for which version.",
                (Query(f"tfx_rollout_version_available{{{_MODEL}}}", "{{model}} {{version}} on {{server}}"),),
                kind="table",
                values=_YES_NO,
            ),
            Panel(
                "Generations",
                "Where the two lines part, a change is on its way, or cannot be made.",
                (
                    Query(f"tfx_rollout_desired_generation{{{_MODEL}}}", "{{model}} wanted"),
                    Query(f"tfx_rollout_observed_generation{{{_MODEL}}}", "{{model}} in force"),
                ),
            ),
        ),
    ),
    Row(
        "Traffic",
        (
            Panel(
                "Requests",
                "By track and version; pinned is what clients chose themselves.",
                (Query(_requests("model, track, version"), _BY_VERSION),),
                unit="reqps",
            ),
            Panel(
                "Error ratio",
                "Requests without a whole good answer, of all requests of the track.",
                (Query(f"model_track:tfx_rollout_request_errors:ratio_rate5m{{{_MODEL}}}", _BY_TRACK),),
                unit="percentunit",
            ),
            Panel(
                "Errors by code",
                "Names of gRPC's statuses, for both protocols.",
                (Query(_requests("model, track, code", ',code!="OK"'), "{{model}} {{track}} {{code}}"),),
                unit="reqps",
            ),
            Panel(
                "Latency",
                "Half, nine in ten and 99 in 100 requests take no longer.",
                tuple(Query(_seconds(q), f"{_BY_TRACK} {name}") for q, name in (("0.5", "p50"), ("0.9", "p90"), ("0.99", "p99"))),
                unit="s",
            ),
            Panel(
                "Accuracy",
                "Of the predictions whose label came within the last hour.",
                (Query(f"model_track_version:tfx_rollout_labelled_predictions:accuracy_rate1h{{{_MODEL}}}", _BY_VERSION),),
                unit="percentunit",
            ),
            Panel(
                "Labels",
                "Feedback that arrived, and how much of it met its request.",
                (
                    Query(
                        f"sum by (model) (rate(tfx_rollout_feedback_rows_total{{{_MODEL}}}[$__rate_interval]))", "{{model}} rows"
                    ),
                    Query(
                        f"sum by (model) (rate(tfx_rollout_labelled_predictions_total{{{_MODEL}}}[$__rate_interval]))",
                        "{{model}} joined",
                    ),
                ),
                unit="cps",
            ),
        ),
    ),
    Row(
        "Rollouts",
        (
            Panel(
                "Evidence against the candidate",
                "E-values; where all reaches the threshold, the candidate is rolled back.",
                (
                    Query(f"tfx_rollout_rollout_evidence{{{_MODEL}}}", "{{rollout}} {{metric}}"),
                    Query(f"tfx_rollout_rollout_evidence_threshold{{{_MODEL}}}", "{{rollout}} threshold"),
                ),
                logarithmic=True,
            ),
            Panel(
                "Stage",
                "Counted from 1, and how many there are.",
                (
                    Query(f"tfx_rollout_rollout_stage{{{_MODEL}}}", "{{rollout}}"),
                    Query(f"tfx_rollout_rollout_stages{{{_MODEL}}}", "{{rollout}} of"),
                ),
            ),
            Panel(
                "Phase",
                "What rollouts are doing.",
                (Query(f"tfx_rollout_rollout_phase{{{_MODEL}}}", "{{rollout}} {{phase}}"),),
                kind="state-timeline",
                values={"1": ("in this phase", "blue")},
            ),
            Panel(
                "Until the deadline",
                "How long a rollout that has passed goes on waiting to be promoted.",
                (Query(f"tfx_rollout_rollout_deadline_timestamp_seconds{{{_MODEL}}} - time()", "{{rollout}}"),),
                unit="s",
                width=6,
                kind="stat",
            ),
            Panel(
                "Rollouts that ended",
                "By outcome, since the model's first.",
                (Query(f"tfx_rollout_rollouts_ended_total{{{_MODEL}}}", "{{model}} {{outcome}}"),),
                width=6,
                kind="stat",
            ),
        ),
    ),
    Row(
        "A/B tests",
        (
            Panel(
                "Evidence of a difference",
                "E-values of each arm against the first.",
                (
                    Query(f"tfx_rollout_experiment_evidence{{{_MODEL}}}", "{{experiment}} {{track}} · version {{version}}"),
                    Query(f"tfx_rollout_experiment_evidence_threshold{{{_MODEL}}}", "{{experiment}} threshold"),
                ),
                logarithmic=True,
            ),
            Panel(
                "Units",
                "Users, or requests, of each arm.",
                (Query(f"tfx_rollout_experiment_units{{{_MODEL}}}", "{{experiment}} {{track}} · version {{version}}"),),
            ),
        ),
    ),
    Row(
        "Servers",
        (
            Panel(
                "Supervisor",
                "Whether one serves the root.",
                (Query("tfx_rollout_supervisor_up", "{{instance}}"),),
                kind="stat",
                width=4,
                values=_YES_NO,
            ),
            Panel(
                "Faults",
                "Whether something keeps a model from what is wanted of it.",
                (
                    Query(f"tfx_rollout_model_fault{{{_MODEL}}}", "{{model}} fault"),
                    Query(f"tfx_rollout_model_unreadable{{{_MODEL}}}", "{{model}} unreadable"),
                ),
                kind="stat",
                width=4,
                values={"0": ("none", "green"), "1": ("yes", "red")},
            ),
            Panel(
                "Access log behind",
                "How long ago the gateway's newest line that was counted was written.",
                (Query("time() - tfx_rollout_access_log_read_timestamp_seconds", "{{instance}}"),),
                unit="s",
                kind="stat",
                width=4,
            ),
            Panel(
                "Servers that answer",
                "A server is ready when it answers for its status.",
                (Query(f"tfx_rollout_server_ready{{{_MODEL}}}", "{{server}}"),),
                kind="state-timeline",
                values=_YES_NO,
            ),
            Panel(
                "Restarts",
                "How often each server died, or was killed, and was started again.",
                (Query(f"tfx_rollout_server_restarts_total{{{_MODEL}}}", "{{server}}"),),
            ),
            Panel(
                "The API's own memory",
                "Of the process that gives these metrics.",
                (Query('process_resident_memory_bytes{job="tfx-rollout"}', "{{instance}}"),),
                unit="bytes",
            ),
        ),
    ),
)


def board() -> Json:
    """The board as Grafana imports it."""
    return {
        "uid": "tfx-rollout",
        "title": "tfx-rollout",
        "description": "Versions, traffic, rollouts and A/B tests of a TensorFlow Serving setup.",
        "tags": ["tfx-rollout"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [_datasource_variable(), _model_variable()]},
        "annotations": {"list": [_rollback_marks()]},
        "links": [],
        "panels": list(_placed(ROWS)),
    }


def _datasource_variable() -> Json:
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "hide": 0}


def _model_variable() -> Json:
    query = "label_values(tfx_rollout_desired_generation, model)"
    return {
        "type": "query",
        "name": "model",
        "label": "Model",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": "model"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _rollback_marks() -> Json:
    return {
        "name": "Rolled back",
        "datasource": _SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'increase(tfx_rollout_rollouts_ended_total{{{_MODEL},outcome="rolled_back"}}[$__interval]) > 0',
        "titleFormat": "{{model}} rolled back",
        "step": "1m",
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """The panels from left to right, in lines below their row's heading."""
    number, y = 1, 0
    for row in rows:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, y, x = number + 1, y + 1, 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y = 0, y + _HEIGHT
            yield _panel(panel, number, {"h": _HEIGHT, "w": panel.width, "x": x, "y": y})
            number, x = number + 1, x + panel.width
        y += _HEIGHT


def _panel(panel: Panel, number: int, place: Json) -> Json:
    instant = panel.kind in ("table", "stat")
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": _SOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
            **({"format": "table"} if panel.kind == "table" else {}),
        }
        for index, query in enumerate(panel.queries)
    ]
    found: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": _field_defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }
    if panel.kind == "table":
        hidden = dict.fromkeys(("Time", "__name__", "job", "instance"), True)
        found["transformations"] = [
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": {"Value": "answers"}}}
        ]
    return found


_OPTIONS: dict[Kind, Json] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    "table": {"showHeader": True},
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"]},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
    },
    "state-timeline": {"showValue": "never", "legend": {"displayMode": "list", "placement": "bottom"}},
}


def _field_defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit}
    if panel.kind == "timeseries":
        custom: Json = {"lineWidth": 1, "fillOpacity": 60 if panel.stacked else 0, "showPoints": "never"}
        custom["stacking"] = {"mode": "normal" if panel.stacked else "none"}
        custom["scaleDistribution"] = {"type": "log", "log": 10} if panel.logarithmic else {"type": "linear"}
        defaults["custom"] = custom
        if not panel.logarithmic:
            defaults["min"] = 0
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.values:
        options = {value: {"text": text, "color": colour} for value, (text, colour) in panel.values.items()}
        defaults["mappings"] = [{"type": "value", "options": options}]
    return defaults


def render() -> str:
    """The board as text, as it is kept in `FILE`."""
    return json.dumps(board(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
