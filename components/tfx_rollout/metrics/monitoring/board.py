"""Describes the Grafana board and writes it: `python -m tfx_rollout.metrics.monitoring.board` renews `board.json`.

Every query takes the model from the board's variable and Prometheus from its data source variable.
"""

from __future__ import annotations

import json

from tfx_rollout.metrics.monitoring import FOLDER
from tfx_rollout.metrics.monitoring.grafana import (
    DATASOURCE,
    SCHEMA_VERSION,
    Json,
    Panel,
    Query,
    Row,
    datasource_variable,
    label_variable,
    placed,
)

FILE = FOLDER / "board.json"

_MODEL = 'model=~"$model"'
_BY_VERSION = "{{model}} {{track}} · version {{version}}"
_BY_TRACK = "{{model}} {{track}}"
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
                "Evidence about the arms",
                "E-values for each claim about an arm against the first: better, worse, harm.",
                (
                    Query(f"tfx_rollout_experiment_evidence{{{_MODEL}}}", "{{track}} · version {{version}} {{claim}}"),
                    Query(f"tfx_rollout_experiment_evidence_threshold{{{_MODEL}}}", "threshold {{claim}}"),
                ),
                logarithmic=True,
            ),
            Panel(
                "The metric",
                "The share of a yes, or the mean, of each arm.",
                (Query(f"tfx_rollout_experiment_metric_value{{{_MODEL}}}", "{{experiment}} {{track}} · version {{version}}"),),
            ),
            Panel(
                "Users",
                "Of each arm, and those whose outcome is known.",
                (
                    Query(f"tfx_rollout_experiment_users{{{_MODEL}}}", "{{track}} · version {{version}}"),
                    Query(f"tfx_rollout_experiment_outcomes{{{_MODEL}}}", "{{track}} · version {{version}} with outcome"),
                ),
            ),
            Panel(
                "Until the end",
                "When a test ends that does not decide before.",
                (Query(f"tfx_rollout_experiment_end_timestamp_seconds{{{_MODEL}}} - time()", "{{experiment}}"),),
                unit="s",
                width=6,
                kind="stat",
            ),
            Panel(
                "Tests that ended",
                "By outcome, since the model's first.",
                (Query(f"tfx_rollout_experiments_ended_total{{{_MODEL}}}", "{{model}} {{outcome}}"),),
                width=6,
                kind="stat",
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
        "templating": {"list": [datasource_variable(), label_variable("model", "tfx_rollout_desired_generation", "Model")]},
        "annotations": {"list": [_rollback_marks()]},
        "links": [],
        "panels": list(placed(ROWS)),
    }


def _rollback_marks() -> Json:
    return {
        "name": "Rolled back",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'increase(tfx_rollout_rollouts_ended_total{{{_MODEL},outcome="rolled_back"}}[$__interval]) > 0',
        "titleFormat": "{{model}} rolled back",
        "step": "1m",
    }


def render() -> str:
    """The board as text, as it is kept in `FILE`."""
    return json.dumps(board(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
