"""What is on the board: rows of panels. Every query is about the models that are chosen there, or about the root."""

from __future__ import annotations

from tfx_rollout.metrics.monitoring.grafana import Panel, Query, Row

MODELS = 'model=~"$model"'
_OF = f"{{{MODELS}}}"
_VERSION = "{{track}} · version {{version}}"
_BY_TRACK = "{{model}} {{track}}"
_BY_VERSION = f"{{{{model}}}} {_VERSION}"
_YES_NO = {"0": ("no", "red"), "1": ("yes", "green")}


def _now(metric: str, legend: str) -> Query:
    """What a metric of the chosen models says."""
    return Query(f"tfx_rollout_{metric}{_OF}", legend)


def _rate(counter: str, by: str, legend: str, more: str = "") -> Query:
    """How fast a counter of the chosen models grows, by these labels."""
    return Query(f"sum by ({by}) (rate(tfx_rollout_{counter}{{{MODELS}{more}}}[$__rate_interval]))", legend)


def _quantile(share: float, name: str) -> Query:
    """The time that this share of the requests takes no longer than."""
    rate = f"rate(tfx_rollout_request_duration_seconds_bucket{_OF}[$__rate_interval])"
    return Query(f"histogram_quantile({share}, sum by (model, track, le) ({rate}))", f"{_BY_TRACK} {name}")


def _shares(title: str, description: str, metric: str) -> Panel:
    return Panel(title, description, (_now(metric, _BY_VERSION),), unit="percentunit", stacked=True, most=1)


def _ratio(title: str, description: str, rule: str, legend: str) -> Panel:
    """What a rule of ours records; see `rules`."""
    return Panel(title, description, (Query(f"{rule}{_OF}", legend),), unit="percentunit")


def _e_values(title: str, description: str, *queries: Query) -> Panel:
    return Panel(title, description, queries, logarithmic=True)


def _until(title: str, description: str, metric: str, legend: str) -> Panel:
    query = Query(f"tfx_rollout_{metric}_timestamp_seconds{_OF} - time()", legend)
    return Panel(title, description, (query,), unit="s", width=6, kind="stat")


def _ended(title: str, metric: str) -> Panel:
    query = _now(metric, "{{model}} {{outcome}}")
    return Panel(title, "By outcome, since the model's first.", (query,), width=6, kind="stat")


WHO_SERVES = Row(
    "Who serves",
    (
        _shares("Share in force", "What the gateway draws for each track now.", "traffic_share_ratio"),
        _shares("Share wanted", "What the desired state asks for.", "traffic_desired_share_ratio"),
        Panel(
            "Versions",
            "Which server answers for which version.",
            (_now("version_available", "{{model}} {{version}} on {{server}}"),),
            kind="table",
            values=_YES_NO,
        ),
        Panel(
            "Generations",
            "Where the two lines part, a change is on its way, or cannot be made.",
            (_now("desired_generation", "{{model}} wanted"), _now("observed_generation", "{{model}} in force")),
        ),
    ),
)

TRAFFIC = Row(
    "Traffic",
    (
        Panel(
            "Requests",
            "By track and version; pinned is what clients chose themselves.",
            (_rate("requests_total", "model, track, version", _BY_VERSION),),
            unit="reqps",
        ),
        _ratio(
            "Error ratio",
            "Requests without a whole good answer, of all requests of the track.",
            "model_track:tfx_rollout_request_errors:ratio_rate5m",
            _BY_TRACK,
        ),
        Panel(
            "Errors by code",
            "Names of gRPC's statuses, for both protocols.",
            (_rate("requests_total", "model, track, code", "{{model}} {{track}} {{code}}", ',code!="OK"'),),
            unit="reqps",
        ),
        Panel(
            "Latency",
            "Half, nine in ten and 99 in 100 requests take no longer.",
            (_quantile(0.5, "p50"), _quantile(0.9, "p90"), _quantile(0.99, "p99")),
            unit="s",
        ),
        _ratio(
            "Accuracy",
            "Of the predictions whose label came within the last hour.",
            "model_track_version:tfx_rollout_labelled_predictions:accuracy_rate1h",
            _BY_VERSION,
        ),
        Panel(
            "Labels",
            "Feedback that arrived, and how much of it met its request.",
            (
                _rate("feedback_rows_total", "model", "{{model}} rows"),
                _rate("labelled_predictions_total", "model", "{{model}} joined"),
            ),
            unit="cps",
        ),
    ),
)

ROLLOUTS = Row(
    "Rollouts",
    (
        _e_values(
            "Evidence against the candidate",
            "E-values; where all reaches the threshold, the candidate is rolled back.",
            _now("rollout_evidence", "{{rollout}} {{metric}}"),
            _now("rollout_evidence_threshold", "{{rollout}} threshold"),
        ),
        Panel(
            "Stage",
            "Counted from 1, and how many there are.",
            (_now("rollout_stage", "{{rollout}}"), _now("rollout_stages", "{{rollout}} of")),
        ),
        Panel(
            "Phase",
            "What rollouts are doing.",
            (_now("rollout_phase", "{{rollout}} {{phase}}"),),
            kind="state-timeline",
            values={"1": ("in this phase", "blue")},
        ),
        _until(
            "Until the deadline",
            "How long a rollout that has passed goes on waiting to be promoted.",
            "rollout_deadline",
            "{{rollout}}",
        ),
        _ended("Rollouts that ended", "rollouts_ended_total"),
    ),
)

EXPERIMENTS = Row(
    "A/B tests",
    (
        _e_values(
            "Evidence about the arms",
            "E-values for each claim about an arm against the first: better, worse, harm.",
            _now("experiment_evidence", f"{_VERSION} {{{{claim}}}}"),
            _now("experiment_evidence_threshold", "threshold {{claim}}"),
        ),
        Panel(
            "The metric",
            "The share of a yes, or the mean, of each arm.",
            (_now("experiment_metric_value", f"{{{{experiment}}}} {_VERSION}"),),
        ),
        Panel(
            "Users",
            "Of each arm, and those whose outcome is known.",
            (_now("experiment_users", _VERSION), _now("experiment_outcomes", f"{_VERSION} with outcome")),
        ),
        _until("Until the end", "When a test ends that does not decide before.", "experiment_end", "{{experiment}}"),
        _ended("Tests that ended", "experiments_ended_total"),
    ),
)

SERVERS = Row(
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
            (_now("model_fault", "{{model}} fault"), _now("model_unreadable", "{{model}} unreadable")),
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
            (_now("server_ready", "{{server}}"),),
            kind="state-timeline",
            values=_YES_NO,
        ),
        Panel(
            "Restarts",
            "How often each server died, or was killed, and was started again.",
            (_now("server_restarts_total", "{{server}}"),),
        ),
        Panel(
            "The API's own memory",
            "Of the process that gives these metrics.",
            (Query('process_resident_memory_bytes{job="tfx-rollout"}', "{{instance}}"),),
            unit="bytes",
        ),
    ),
)

ROWS = (WHO_SERVES, TRAFFIC, ROLLOUTS, EXPERIMENTS, SERVERS)
