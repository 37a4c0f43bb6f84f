"""Which evidence a rollout gets, without a process: logs are written here, and nothing serves."""

from __future__ import annotations

import logging
import os
import time

import pytest

from tfx_rollout.errors import LostLease
from tfx_rollout.evidence import IntervalCounts
from tfx_rollout.evidence.feedback_inbox import inbox
from tfx_rollout.evidence.needs import EvidenceNeeds
from tfx_rollout.evidence.prometheus import PrometheusSource
from tfx_rollout.gateway.log_format import FIELDS
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import plan_from_dict, start_rollout
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.supervisor import rollouts as module
from tfx_rollout.supervisor.evidence_pool import EvidencePool
from tfx_rollout.supervisor.rollouts import ModelRollouts, evidence_needs, stage_openings
from tfx_rollout.traffic import Label, Track

T0 = 1_795_000_000.0
PLAN = {"stages": [{"share": 0.5}], "waiting_seconds": 3, "latency": {"spacing_ms": 50}, "accuracy": {"ages": [60, 600]}}
NEEDS = EvidenceNeeds("taxi", began=T0, judged_until=T0)


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "root")


@pytest.fixture
def base(store, tmp_path):
    base = store.model("taxi")
    for mark in ("one", "two"):
        export = tmp_path / mark
        (export / "variables").mkdir(parents=True)
        (export / "saved_model.pb").write_text(mark)
        (export / "variables" / "variables.index").write_text(mark)
        base.publish(export)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def folder(store):
    folder = store.gateway_dir / "access"
    folder.mkdir(parents=True)
    return folder


def write_log(folder, *starts, model="taxi"):
    """A log with these requests to the canary, and a heartbeat a second for a minute."""
    lines = []
    for start in starts:
        fields = {"route": f"draw/{model}/grpc", "cluster": f"{model}~canary~grpc", "answered_us": "5000", "request_id": "a"}
        lines.append((start + 0.005, {"start": f"{start:.6f}", **fields}))
    lines += [(T0 + beat, {"start": f"{T0 + beat:.6f}", "route": "heartbeat", "answered_us": "1"}) for beat in range(60)]
    common = {"kind": "DownstreamEnd", "connection": "1", "http_code": "200", "grpc_code": "0", "received_us": "0"}
    with (folder / f"{round(T0 * 1000)}.log").open("w") as log:
        for emitted, fields in sorted(lines, key=lambda line: line[0]):
            values = {**common, "emitted": f"{emitted:.6f}", **fields}
            log.write(" ".join(values.get(name, "-") for name, _ in FIELDS) + "\n")


def test_the_needs_are_those_of_the_plan(base):
    plan = plan_from_dict(PLAN)
    state = Journal(base, start_rollout(base, 2, plan, by="me", why="test")).state()
    needs = evidence_needs(plan, state.change(judged_until=T0), (T0 - 5,))
    assert (needs.waiting_s, needs.spacing_s, needs.unit, needs.candidate) == (3, 0.05, "request", 2)
    assert (needs.label_ages, needs.stages, needs.model) == ((60, 600), (T0 - 5,), "taxi")
    errors_only = {"predictions": {"weight": 0}, "accuracy": {"weight": 0}, "waiting_seconds": 0.1}
    bare = evidence_needs(plan_from_dict({**PLAN, **errors_only}), state, ())
    assert (bare.waiting_s, bare.candidate, bare.label_ages) == (1.0, None, ())


def test_requests_are_kept_as_long_as_windows_labels_or_users_want_them():
    labels = EvidenceNeeds("taxi", began=T0, judged_until=T0 + 9000, label_ages=(60, 3600))
    assert T0 + 9000 - 3600 - 1000 < labels.keep_from < T0 + 9000 - 3600
    windows = EvidenceNeeds("taxi", began=T0, judged_until=T0 + 9000)
    assert windows.keep_from == windows.read_from == T0 + 9000
    users = EvidenceNeeds("taxi", began=T0, judged_until=T0 + 9000, unit="user")
    assert (users.keep_from, users.read_from) == (T0 + 9000, T0)


def test_a_rollout_keeps_its_sources_while_time_goes_on_and_gets_new_ones_for_other_needs(base, folder):
    write_log(folder, T0 + 1, T0 + 12)
    pool = EvidencePool(folder)
    evidence = pool.of(base, NEEDS)
    assert evidence.source.counts("taxi", T0, T0 + 10).tracks[Track.CANARY].requests == 1
    later = EvidenceNeeds("taxi", began=T0, judged_until=T0 + 10, stages=(T0,))
    pool.retain([later])
    assert pool.of(base, later) is evidence
    assert evidence.source.counts("taxi", T0, T0 + 10).gap
    assert not evidence.source.counts("taxi", T0 + 10, T0 + 20).gap
    assert pool.of(base, EvidenceNeeds("taxi", began=T0 + 20, judged_until=0)) is not evidence
    pool.retain([])
    assert pool.of(base, later) is not evidence


def test_labels_are_there_where_the_plan_wants_them(base, folder):
    pool = EvidencePool(folder)
    assert pool.of(base, NEEDS).labels is None
    assert pool.of(base, EvidenceNeeds("taxi", began=T0, judged_until=T0, label_ages=(60,), candidate=2)).labels is not None


def test_another_source_can_be_plugged_in(base, folder):
    class Silent:
        def horizon(self):
            return T0

        def counts(self, model, start, end):
            return IntervalCounts()

    silent = Silent()
    pool = EvidencePool(folder, new_source=lambda needs: silent if needs.model == "taxi" else None)
    assert pool.of(base, NEEDS).source is silent
    assert pool.of(base, EvidenceNeeds("cab", began=T0, judged_until=T0)).source is not silent


def test_the_roots_own_file_may_name_another_source(base, folder):
    track = "{requests: r, failures: f}"
    (base.store.root / "evidence.yaml").write_text(
        f"prometheus: {{taxi: {{url: 'http://127.0.0.1:9', up: up, tracks: {{stable: {track}, canary: {track}}}}}}}\n"
    )
    assert isinstance(EvidencePool(folder).of(base, NEEDS).source, PrometheusSource)


def test_a_rollout_that_runs_says_what_it_needs_and_one_that_ended_needs_nothing(base, folder):
    rollouts = ModelRollouts(base, EvidencePool(folder))
    rollouts.tick()
    assert rollouts.need is None
    start_rollout(base, 2, plan_from_dict(PLAN), by="me", why="test")
    rollouts.tick()
    assert (rollouts.need.candidate, rollouts.need.stages) == (2, ())


def test_a_lost_lease_ends_the_turn_before_anything_is_written(base, folder):
    rollout = start_rollout(base, 2, plan_from_dict(PLAN), by="me", why="test")
    before = Journal(base, rollout).state()

    def guard():
        raise LostLease("root", "another")

    with pytest.raises(LostLease):
        ModelRollouts(base, EvidencePool(folder), guard).tick()
    assert Journal(base, rollout).state() == before


def test_stages_opened_when_the_record_first_names_them(base):
    journal = Journal(base, start_rollout(base, 2, plan_from_dict(PLAN), by="me", why="test"))
    for number, (stage, at) in enumerate([(-1, 10.0), (0, 11.0), (0, 12.0), (1, 20.0)], start=1):
        journal.append_event({"number": number, "stage": stage, "at": at})
    journal.write_state(journal.state().change(events=3))
    assert stage_openings(journal) == (11.0,)
    journal.write_state(journal.state().change(events=4))
    assert stage_openings(journal) == (11.0, 20.0)


def test_feedback_is_taken_from_the_inbox_whether_a_rollout_runs_or_not(base, folder, caplog):
    inbox(base).mkdir()
    for name, text in (("good", '{"request_id": "a", "correct": true}'), ("bad", "nonsense")):
        path = inbox(base) / f"{name}.jsonl"
        path.write_text(text + "\n")
        os.utime(path, (time.time() - 60, time.time() - 60))
    with caplog.at_level(logging.INFO):
        ModelRollouts(base, EvidencePool(folder)).tick()
    assert [record.message.split(":")[1].strip() for record in caplog.records] == [
        "bad.jsonl was refused",
        "good.jsonl was taken in",
    ]
    assert (inbox(base) / "done" / "good.jsonl").is_file()


def test_an_inbox_that_cannot_be_read_is_told_once_and_stops_nothing(base, folder, caplog, monkeypatch):
    monkeypatch.setattr(module, "INBOX_S", 0.0)
    inbox(base).mkdir()
    unreadable = inbox(base) / "folder.jsonl"
    unreadable.mkdir()
    os.utime(unreadable, (time.time() - 60, time.time() - 60))
    start_rollout(base, 2, plan_from_dict(PLAN), by="me", why="test")
    rollouts = ModelRollouts(base, EvidencePool(folder))
    rollouts.tick()
    rollouts.tick()
    assert [record.levelname for record in caplog.records if "feedback" in record.message] == ["ERROR"]
    assert rollouts.need is not None
