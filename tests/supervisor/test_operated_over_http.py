"""A setup operated over its API alone, with real servers, the real gateway and a kill of the API's process in between."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tfx_rollout.control.documents import OrderWanted, RolloutWanted
from tfx_rollout.control.remote import RemoteControl
from tfx_rollout.model_store import ModelStore
from tfx_rollout.supervisor import running_supervisor

pytestmark = pytest.mark.integration

STAGE = {"share": 0.5, "min_seconds": 5, "max_seconds": 100, "max_failure_rate": 0.5, "bad_odds_ratio": 100}
PLAN = {
    "name": "quick",
    "stages": [STAGE],
    "window_seconds": 1,
    "waiting_seconds": 1,
    "min_windows": 2,
    "min_requests": 20,
    "latency": {"weight": 0},
}
STARTED = re.compile(r"the API is at .* \(pid (\d+)\)")


def pids(serving) -> list[int]:
    """The API's processes so far, by what the supervisor said."""
    return [int(pid) for pid in STARTED.findall(serving.log_file.read_text())]


def test_a_version_goes_live_over_http_although_the_api_is_killed_meanwhile(tmp_path, saved_models, serve, wait_until):
    base = ModelStore(tmp_path / "root").model("m")
    for name in ("plus_two", "plus_three", "picky"):
        base.publish(saved_models / name)
    with serve(tmp_path / "root", api=True) as serving:
        info = running_supervisor(serving.root)
        assert info is not None
        url = f"http://{info.api_address}"
        control = RemoteControl(url)
        supervisor = control.models().supervisor
        assert supervisor is not None
        assert supervisor.api_address == info.api_address

        def start(version: int) -> str:
            return control.start_rollout("m", RolloutWanted(version=version, plan=PLAN, why="a test")).id

        def holds(rollout: str) -> bool:
            return control.rollout("m", rollout).phase == "holding"

        first = start(1)
        wait_until(lambda: holds(first), 60, "version 1 live", serving.logs)
        control.order("m", first, OrderWanted(kind="promote"))
        wait_until(lambda: control.rollout("m", first).finished, 60, "version 1 confirmed", serving.logs)

        with serving.load() as clients:
            clients.await_more(20)
            second, told, promoted = start(2), [], False
            killed = pids(serving)[-1]
            for line in control.follow_rollout("m", second):
                told.append(line)
                if len(pids(serving)) == 1 and line["type"] == "verdict":
                    control.pin("m", 3, why="to compare")
                    os.kill(killed, signal.SIGKILL)
                if line["type"] == "state" and line["phase"] == "holding" and not promoted:
                    promoted = control.order("m", second, OrderWanted(kind="promote"), expected=line["revision"]).number == 1
            clients.await_more(20)
        assert len(pids(serving)) == 2
        events = [line["event"] for line in told if line["type"] == "event"]
        assert [event for event in events if event != "held"] == [
            "begin",
            "ready",
            "stage_in_force",
            "passed",
            "promote",
            "applied",
        ]
        assert events.count("held") == 1
        assert told[-1]["type"] == "report"
        assert told[-1]["outcome"] == "promoted"
        assert control.model("m").labels == {"previous": 1, "stable": 2}

        # Nobody noticed, and every answer says truly who gave it.
        assert clients.failures == []
        assert {(answer.version, answer.value) for answer in clients.answers} == {("1", 3.0), ("2", 4.0)}

        # What was answered is what is counted, per version, over JSON and for Prometheus alike.
        answered = Counter(answer.version for answer in clients.answers)
        counted: Counter[str] = Counter()

        def all_counted() -> bool:
            counted.clear()
            for series in control.traffic("m").series:
                counted[str(series.version)] += series.totals.requests
            return counted == answered

        wait_until(all_counted, 30, "every request counted", lambda: f"{counted} of {answered}")
        scraped = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
        shares = {
            (sample.labels["track"], sample.labels["version"]): sample.value
            for family in scraped
            for sample in family.samples
            if sample.name == "tfx_rollout_traffic_share_ratio"
        }
        assert shares[("stable", "2")] == 1

        # Late labels by the answers' ids.
        ids = [httpx.post(f"http://{serving.address}/v1/models/m:predict", json={"instances": [2.0]}) for _ in range(4)]
        rows = [{"request_id": one.headers["x-request-id"], "correct": i > 0} for i, one in enumerate(ids)]
        assert control.give_feedback("m", rows).new == 4
        wait_until(lambda: control.traffic("m").totals.labelled == 4, 30, "the labels")
        assert control.traffic("m").totals.accuracy == 0.75

        # Back with one call, and all of it is on record.
        control.roll_back("m", why="changed my mind")
        wait_until(lambda: control.model("m").settled, 60, "the rollback", serving.logs)
        assert (serving.ask(), serving.ask(version=3), base.desired().pinned) == (3.0, 5.0, (3,))
        whats = [entry.action for entry in control.audit().entries]
        assert len(whats) == 7, whats
        assert serving.stop() == 0
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/healthz")
