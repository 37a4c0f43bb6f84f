from __future__ import annotations

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.metrics.exposition import CONTENT_TYPE, Exposition
from tfx_rollout.metrics.progress import (
    ArmFigures,
    ExperimentFigures,
    ExperimentProgress,
    RolloutFigures,
    RolloutProgress,
)
from tfx_rollout.model_store import write_json
from tfx_rollout.traffic import (
    DesiredState,
    Label,
    ObservedState,
    Route,
    ServerObservation,
    Split,
    Track,
    VersionState,
)

T0 = 1_795_000_000.0
DESIRED = DesiredState("taxi", 5, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, Split(2500))
PRIMARY = ServerObservation(
    "taxi", ready=True, restarts=1, configured_versions=(1,), versions={1: VersionState.AVAILABLE}, labels={Label.STABLE: 1}
)
CANARY = ServerObservation(
    "taxi~canary", ready=True, configured_versions=(2,), versions={2: VersionState.LOADING}, errors={2: "too slow"}
)
OBSERVED = ObservedState(
    "taxi",
    generation=4,
    servers=(PRIMARY, CANARY),
    split=Split(),
    routes={Track.STABLE: Route("taxi", Label.STABLE)},
    fault="version 2 does not load",
)
ROLLOUT = RolloutFigures("r1", 2, "holding", T0, 2, 3, {"all": 4.5, "latency": 9.0}, 20.0, T0 + 3600)
ARMS = (
    ArmFigures(Track.STABLE, 1, users=100, outcomes=80, value=0.25),
    ArmFigures(Track.VARIANT_B, 2, users=90, outcomes=0, value=None, evidence={"better": 3.5, "harm": 1.0}),
)
TEST = ExperimentFigures("e1", "running", T0 + 86_400, ARMS, {"better": 40.0, "harm": 20.0})


@pytest.fixture
def exposition(store, reader):
    traffic = reader()

    def rollouts(model):
        return RolloutProgress((ROLLOUT,), {"promoted": 2, "rolled_back": 0}) if model == "taxi" else RolloutProgress()

    def experiments(model):
        return ExperimentProgress((TEST,) if model == "taxi" else (), {"winner": 1})

    return Exposition(store, traffic, rollouts=rollouts, experiments=experiments, supervisor_up=lambda: True), traffic


def put(store, desired=DESIRED, observed=OBSERVED):
    base = store.model(desired.model)
    base.create()
    write_json(base.control / "desired.json", desired.to_json())
    if observed is not None:
        write_json(base.control / "observed.json", observed.to_json())


def samples(exposition):
    """Every sample by its name and its labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition.render().decode())
        for sample in family.samples
    }


def value(found, name, **labels):
    return found[(f"tfx_rollout_{name}", *sorted(labels.items()))]


def test_traffic_is_told_by_model_track_version_protocol_and_code(exposition, log, read_all):
    exposition, traffic = exposition
    for ms in (0.5, 3, 3, 400):
        log.request(T0 + 1, ms)
    log.request(T0 + 1, 3, code=13)
    log.request(T0 + 1, 3, version="-", code=14, track="canary")
    read_all(traffic)
    found = samples(exposition)
    stable = {"model": "taxi", "track": "stable", "version": "1", "protocol": "grpc"}
    assert value(found, "requests_total", **stable, code="OK") == 4
    assert value(found, "requests_total", **stable, code="INTERNAL") == 1
    assert value(found, "requests_total", **{**stable, "track": "canary", "version": "unknown"}, code="UNAVAILABLE") == 1
    buckets = {le: value(found, "request_duration_seconds_bucket", **stable, le=le) for le in ("0.001", "0.005", "0.5", "+Inf")}
    assert buckets == {"0.001": 1, "0.005": 4, "0.5": 5, "+Inf": 5}
    assert value(found, "request_duration_seconds_count", **stable) == 5
    assert value(found, "request_duration_seconds_sum", **stable) == pytest.approx(0.4095)


def test_labels_are_told_by_right_and_wrong(exposition, log, read_all, store):
    exposition, traffic = exposition
    log.request(T0, request_id="a")
    append_feedback(store.model("taxi"), [{"request_id": "a", "correct": False}], now=lambda: T0 + 1)
    log.heartbeat(T0 + 10)
    read_all(traffic)
    found = samples(exposition)
    stable = {"model": "taxi", "track": "stable", "version": "1"}
    assert value(found, "labelled_predictions_total", **stable, correct="false") == 1
    assert value(found, "labelled_predictions_total", **stable, correct="true") == 0
    assert value(found, "feedback_rows_total", model="taxi") == 1
    assert value(found, "access_log_read_timestamp_seconds") == T0 + 10


def test_states_are_told_as_wanted_and_as_they_are(exposition, store):
    put(store)
    found = samples(exposition[0])
    assert value(found, "traffic_desired_share_ratio", model="taxi", track="stable", version="1") == 0.75
    assert value(found, "traffic_desired_share_ratio", model="taxi", track="canary", version="2") == 0.25
    assert value(found, "traffic_share_ratio", model="taxi", track="stable", version="1") == 1
    assert not any(key[0] == "tfx_rollout_traffic_share_ratio" and ("track", "canary") in key for key in found)
    assert value(found, "desired_generation", model="taxi") == 5
    assert value(found, "observed_generation", model="taxi") == 4
    assert value(found, "model_fault", model="taxi") == 1
    assert value(found, "version_available", model="taxi", version="1", server="taxi") == 1
    assert value(found, "version_available", model="taxi", version="2", server="taxi~canary") == 0
    assert value(found, "server_restarts_total", model="taxi", server="taxi") == 1
    assert value(found, "supervisor_up") == 1


def test_restarts_never_go_back_when_a_server_is_made_anew(exposition, store):
    counts = []
    for restarts in (0, 2, 0, 1):
        server = ServerObservation("taxi~canary", restarts=restarts)
        put(store, observed=ObservedState("taxi", servers=(server,)))
        counts.append(value(samples(exposition[0]), "server_restarts_total", model="taxi", server="taxi~canary"))
    assert counts == [0, 2, 2, 3]


def test_rollouts_and_tests_are_told_with_their_evidence(exposition):
    found = samples(exposition[0])
    names = {"model": "taxi", "rollout": "r1"}
    assert value(found, "rollout_phase", **names, version="2", phase="holding") == 1
    assert value(found, "rollout_stage", **names) == 2
    assert value(found, "rollout_stages", **names) == 3
    assert value(found, "rollout_evidence", **names, metric="all") == 4.5
    assert value(found, "rollout_evidence", **names, metric="latency") == 9
    assert value(found, "rollout_evidence_threshold", **names) == 20
    assert value(found, "rollout_deadline_timestamp_seconds", **names) == T0 + 3600
    assert value(found, "rollouts_ended_total", model="taxi", outcome="promoted") == 2
    assert value(found, "rollouts_ended_total", model="taxi", outcome="rolled_back") == 0
    test = {"model": "taxi", "experiment": "e1"}
    assert value(found, "experiment_phase", **test, phase="running") == 1
    assert value(found, "experiment_end_timestamp_seconds", **test) == T0 + 86_400
    first, second = ({**test, "track": track, "version": version} for track, version in (("stable", "1"), ("variant-b", "2")))
    assert [value(found, "experiment_users", **arm) for arm in (first, second)] == [100, 90]
    assert [value(found, "experiment_outcomes", **arm) for arm in (first, second)] == [80, 0]
    assert value(found, "experiment_metric_value", **first) == 0.25
    assert ("tfx_rollout_experiment_metric_value", *sorted(second.items())) not in found
    assert value(found, "experiment_evidence", **second, claim="better") == 3.5
    assert value(found, "experiment_evidence_threshold", **test, claim="better") == 40
    assert value(found, "experiments_ended_total", model="taxi", outcome="winner") == 1


def test_a_model_that_cannot_be_read_does_not_hide_the_others(exposition, store):
    put(store)
    store.model("tips").create()
    (store.model("tips").control / "desired.json").write_text("{")
    found = samples(exposition[0])
    assert value(found, "model_unreadable", model="tips") == 1
    assert value(found, "model_unreadable", model="taxi") == 0
    assert value(found, "desired_generation", model="taxi") == 5
    assert not any(key[0] == "tfx_rollout_desired_generation" and ("model", "tips") in key for key in found)


def test_a_model_that_nobody_has_served_yet_has_no_observed_state(exposition, store):
    put(store, observed=None)
    found = samples(exposition[0])
    assert value(found, "desired_generation", model="taxi") == 5
    assert not any(key[0] == "tfx_rollout_observed_generation" for key in found)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_no_complaint(exposition, store, log, read_all):
    exposition, traffic = exposition
    put(store)
    log.request(T0 + 1, 3)
    read_all(traffic)
    checked = subprocess.run(["promtool", "check", "metrics"], input=exposition.render(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_content_type_is_prometheus_text_format():
    assert CONTENT_TYPE.startswith("text/plain; version=")
