"""`tfx-rollout serve` with real model servers and a real Envoy, under steady REST and gRPC requests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import ModelServerClient, free_port
from tfx_rollout.serving.launch import COMMAND_VARIABLE
from tfx_rollout.supervisor import running_supervisor
from tfx_rollout.traffic import Label, Split, Track

pytestmark = pytest.mark.integration

TWO, THREE = 3.0, 4.0
"""What `plus_two` and `plus_three` answer for x = 2."""


def canary_at(serving, share: float) -> None:
    serving.in_force(
        serving.desire(versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split.of(share)),
    )


def test_no_request_fails_from_the_first_release_through_a_canary_to_its_promotion(serving):
    assert serving.ask() is None
    serving.go_live(1)
    assert serving.ask() == TWO
    with serving.load() as load:
        assert {a.value for a in load.await_more(50)} == {TWO}
        canary_at(serving, 0.0)
        assert {a.track for a in load.await_more(50)} == {"stable"}
        canary_at(serving, 0.4)
        drawn = load.await_more(300)
        assert {(a.track, a.value) for a in drawn if not a.fault} == {("stable", TWO), ("canary", THREE)}
        # Each version answers to its number, wherever it is loaded.
        assert (serving.ask(version=1), serving.ask(version=2)) == (TWO, THREE)
        # 300 draws at 0.4: five standard deviations are 0.14.
        assert 0.26 < Counter(a.track for a in drawn)["canary"] / len(drawn) < 0.54
        serving.in_force(serving.desire(labels={Label.STABLE: 2, Label.PREVIOUS: 1}, split=Split()))
        assert {(a.track, a.value) for a in load.await_more(50)[5:]} == {("stable", THREE)}
        # And back to the version before.
        serving.in_force(serving.desire(versions=(1,), labels={Label.STABLE: 1}))
        assert {(a.track, a.value) for a in load.await_more(50)[5:]} == {("stable", TWO)}
        serving.in_force(serving.desire(versions=(1, 2), labels={Label.STABLE: 2, Label.PREVIOUS: 1}))
    # Each answer says which version it is from, and each time it is that one.
    assert {(a.value, a.version) for a in load.answers} == {(TWO, "1"), (THREE, "2")}
    assert all(a.version == a.spec for a in load.answers if a.protocol == "grpc")
    assert [server.name for server in serving.observed().servers] == ["m"]
    assert {a.protocol for a in load.answers} == {"rest", "grpc"}
    assert load.failures == []
    # A client that names a version or a label is answered by it; the one before is still there.
    assert (serving.ask(version=1), serving.ask(label="previous"), serving.ask(label="canary")) == (TWO, TWO, None)
    # The limit that `serve` was told.
    with ModelServerClient(serving.address, timeout_s=10) as client:
        assert client.predict("m", {"instances": [0.5] * 400_000}).ok
        refused = client.predict("m", {"instances": [0.5] * 600_000})
    assert refused.code == 413
    assert "larger than the 2 MiB" in refused.body["error"]


def test_a_killed_canary_loses_its_share_until_it_is_back(serving, wait_until):
    serving.go_live(1)
    canary_at(serving, 0.3)
    with serving.load() as load:
        load.await_more(50)
        before = serving.pid_of("m~canary")
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: serving.observed().split == Split(), 60, "the share of 0")
        without = time.time()
        wait_until(lambda: serving.observed().split == Split.of(0.3), 60, "the share of 0.3 again")
        load.await_more(100)
    assert serving.pid_of("m~canary") != before
    assert [a for a in load.failures if a.track not in {"canary", ""}] == []
    assert [a for a in load.failures if a.at > without] == []
    assert any(a.track == "canary" for a in load.answers[-100:])


def test_a_killed_stable_server_and_a_killed_gateway_come_back(serving, wait_until):
    serving.go_live(1)
    before = serving.pid_of("m")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: serving.ask_in_trouble() == TWO and serving.pid_of("m") != before, 60, "stable's return")
    (envoy,) = children_of(serving.process.pid, "envoy")
    os.kill(envoy, signal.SIGKILL)
    wait_until(lambda: serving.ask_in_trouble() == TWO and children_of(serving.process.pid, "envoy") not in ([], [envoy]), 30)
    # The new gateway obeys.
    canary_at(serving, 1.0)
    assert serving.ask() == THREE


def test_a_version_that_does_not_load_is_a_fault_and_all_else_goes_on(serving, saved_models, wait_until):
    broken = serving.model().publish(saved_models / "broken").version
    serving.go_live(1)
    with serving.load() as load:
        serving.desire(versions=(1, broken), labels={Label.STABLE: 1, Label.CANARY: broken}, split=Split.of(0.5))
        wait_until(lambda: serving.observed().fault, 60, "the fault")
        observed = serving.observed()
        assert f"version {broken} does not load on m~canary" in str(observed.fault)
        assert (observed.generation, observed.split) == (1, Split())
        assert observed.server("m~canary").errors[broken]
        serving.in_force(serving.desire(versions=(1,), labels={Label.STABLE: 1}, split=Split()))
        assert serving.observed().fault is None
    assert load.failures == []


def test_a_server_that_hangs_does_not_hold_up_another_model(serving, saved_models, wait_until):
    other = ModelStore(serving.root).model("other")
    other.publish(saved_models / "plus_three")
    serving.go_live(1)
    os.kill(serving.pid_of("m"), signal.SIGSTOP)
    start = time.monotonic()
    serving.go_live(1, "other")
    assert time.monotonic() - start < 30
    wait_until(lambda: serving.observed("m").server("m").ready is False)
    os.kill(serving.pid_of("m"), signal.SIGCONT)
    wait_until(lambda: serving.ask_in_trouble() == TWO)


def test_a_stop_lets_a_running_request_finish(serving, saved_models, tmp_path, wait_until):
    slow = ModelStore(serving.root).model("slow")
    slow.publish(saved_models / "waiting")
    serving.go_live(1, "slow")
    release, answers = tmp_path / "release", []

    def ask() -> None:
        with ModelServerClient(serving.address, timeout_s=60) as client:
            answers.append(client.predict("slow", {"instances": [str(release)]}))

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until((tmp_path / "release.begun").exists, what="the request's begin")
    serving.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "stopping: running requests may finish" in serving.log_file.read_text(), what="the stop")
    release.touch()
    assert serving.process.wait(30) == 0
    thread.join()
    assert [answer.code for answer in answers] == [200]
    assert children_of(serving.process.pid) == []
    assert running_supervisor(serving.root) is None
    assert serving.observed("slow").servers == ()


def test_a_killed_tethered_supervisor_takes_its_processes_along_and_the_next_one_brings_everything_back(
    serving, serve, wait_until
):
    serving.go_live(1)
    canary_at(serving, 0.5)
    pids = children_of(serving.process.pid)
    assert len(pids) == 3
    serving.process.kill()
    serving.process.wait()
    wait_until(lambda: not any(runs(pid) for pid in pids), 20, "the end of the processes")
    # Written while nobody serves, applied at the start.
    state = serving.desire(split=Split.of(1.0))
    with serve(serving.root) as again:
        again.in_force(state)
        assert again.ask() == THREE
        assert set(again.observed().routes) == {Track.STABLE, Track.CANARY}


def test_a_second_supervisor_and_a_port_in_use_are_refused_with_one_sentence(tmp_path, serve):
    with serve(tmp_path / "root") as serving:
        second = serve_once(tmp_path / "root", free_port())
        assert second.returncode == 3
        assert second.stderr.startswith(
            f"error: The root {tmp_path}/root is held by the supervisor with pid {serving.process.pid}"
        )
        assert second.stderr.count("\n") == 1
        taken = serve_once(tmp_path / "other", serving.port)
        assert taken.returncode == 6
        assert taken.stderr == (
            f"error: Port {serving.port} on 127.0.0.1 (the gateway's port for clients) is in use by another process; "
            "stop that process or choose another port.\n"
        )


def test_a_root_that_is_a_file_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    refused = serve_once(tmp_path / "file", free_port())
    assert refused.returncode == 5
    assert refused.stderr.startswith(f"error: {tmp_path}/file")
    assert refused.stderr.count("\n") == 1


def serve_once(root, port) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfx_rollout.cli", "serve", str(root), "--port", str(port), "--no-api"]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=30)


def children_of(pid: int, name: str = "") -> list[int]:
    out = subprocess.run(["ps", "-o", "pid=,comm=,stat=", "--ppid", str(pid)], stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split(None, 2) for line in out.splitlines()]
    return [int(row[0]) for row in rows if name in row[1] and not row[2].startswith("Z")]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


PORT_LOST = """
import os, socket, sys
flags = dict(a[2:].split("=", 1) for a in sys.argv[2:])
try:
    os.mkdir(sys.argv[1])
except FileExistsError:
    pass
else:
    taken = socket.socket()
    taken.bind(("127.0.0.1", int(flags["rest_api_port"])))
    taken.set_inheritable(True)
os.execv(sys.executable, [sys.executable, "-m", "tfx_rollout.model_server", *sys.argv[2:]])
"""


def test_a_model_server_that_lost_its_rest_port_between_choice_and_use_holds_nothing_up(
    tmp_path, saved_models, serve, monkeypatch
):
    script = tmp_path / "server.py"
    script.write_text(PORT_LOST)
    monkeypatch.setenv(COMMAND_VARIABLE, f"{sys.executable} {script} {tmp_path / 'taken'}")
    ModelStore(tmp_path / "root").model("m").publish(saved_models / "plus_two")
    with serve(tmp_path / "root") as serving:
        serving.go_live(1)
        assert serving.ask() == TWO
        assert serving.observed().server("m").restarts == 1
        assert "Failed to start HTTP Server" in serving.logs()
