"""The life of one model server under the supervisor, with small programs in the server's place."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tfx_rollout.serving import TetheredLauncher
from tfx_rollout.serving.launch import COMMAND_VARIABLE
from tfx_rollout.supervisor.child import READ_WITHIN_S, Child
from tfx_rollout.supervisor.process_folder import ProcessFolder
from tfx_rollout.traffic import Label, VersionState
from tfx_rollout.traffic.placement import ServerSpec

SERVER = """
import json, re, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
flags = dict(a[2:].split("=", 1) for a in sys.argv[1:])
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = open(flags["model_config_file"]).read()
        versions = re.findall(r"versions: (\\d+)", text)
        labels = dict(re.findall(r'key: "([\\w.-]+)" value: (\\d+)', text))
        label = re.search(r"/labels/([\\w.-]+)/", self.path)
        if label is None:
            ok, answer = True, {"model_version_status": [{"version": v, "state": "AVAILABLE", "status": {}} for v in versions]}
        else:
            ok, answer = label[1] in labels, {"model_spec": {"version": labels.get(label[1])}}
        self.send_response(200 if ok else 400); self.end_headers(); self.wfile.write(json.dumps(answer).encode())
    def log_message(self, *_): pass
HTTPServer(("127.0.0.1", int(flags["rest_api_port"])), Handler).serve_forever()
"""


@pytest.fixture
def executor():
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def child_of(tmp_path, monkeypatch, executor):
    """Makes a child whose server is a program; ends what it started."""
    made = []

    def make(program: str, **options) -> Child:
        script = tmp_path / "server.py"
        script.write_text(program)
        monkeypatch.setenv(COMMAND_VARIABLE, f"{sys.executable} {script}")
        child = Child("taxi", "taxi~canary", tmp_path / "taxi", tmp_path, executor, **{"launcher": TetheredLauncher(), **options})
        made.append(child)
        return child

    yield make
    for child in made:
        end(child)


def end(child: Child) -> None:
    child.stop()
    turn(child, lambda: child.gone)


def turn(child: Child, until, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, child.observation()
        child.tick()
        child.ask()
        child.collect()
        time.sleep(0.01)


def test_labels_that_were_moved_are_believed_only_when_the_server_must_have_read_them(child_of):
    now = [time.monotonic()]
    child = child_of(SERVER, clock=lambda: now[0])
    child.configure(ServerSpec((1, 2), {Label.STABLE: 1, "eu.best": 2}))
    turn(child, lambda: child.observation().ready)
    assert child.observation().labels == {Label.STABLE: 1, "eu.best": 2}
    assert not child.reading
    child.configure(ServerSpec((1, 2), {Label.STABLE: 2, "eu.best": 2}))
    turn(child, lambda: child.observation().labels.get(Label.STABLE) == 2)
    assert child.reading
    now[0] -= 2 * READ_WITHIN_S  # as if all that had been some seconds ago
    child.configure(ServerSpec((1, 2), {Label.STABLE: 1, "eu.best": 2}))
    now[0] += 2 * READ_WITHIN_S
    turn(child, lambda: child.observation().labels.get(Label.STABLE) == 1)
    assert not child.reading


def test_a_server_is_ready_when_it_answers_and_tells_what_it_holds(child_of):
    child = child_of(SERVER)
    child.configure(ServerSpec((1, 2), {Label.CANARY: 2}))
    turn(child, lambda: child.observation().ready)
    seen = child.observation()
    assert dict(seen.versions) == {1: VersionState.AVAILABLE, 2: VersionState.AVAILABLE}
    assert dict(seen.labels) == {Label.CANARY: 2}
    assert (seen.configured_versions, seen.restarts, child.fault) == ((1, 2), 0, None)
    assert (seen.grpc_port, seen.rest_port) == child.ports

    child.configure(ServerSpec((2,)))
    turn(child, lambda: dict(child.observation().labels) == {})


def test_a_killed_server_is_not_ready_at_once_and_comes_back(child_of):
    child = child_of(SERVER)
    child.configure(ServerSpec((1,)))
    turn(child, lambda: child.observation().ready)
    first = child.observation()
    os.kill(first.pid, signal.SIGKILL)
    turn(child, lambda: not child.observation().ready)
    turn(child, lambda: child.observation().ready)
    assert (child.observation().restarts, child.observation().pid != first.pid, child.fault) == (1, True, None)


def test_a_server_that_hangs_is_not_ready_after_a_while(child_of, monkeypatch):
    monkeypatch.setattr("tfx_rollout.supervisor.child.PATIENCE_S", 0.3)
    monkeypatch.setattr("tfx_rollout.supervisor.child.HANGS_AFTER_S", 1.5)
    child = child_of(SERVER)
    child.configure(ServerSpec((1,)))
    turn(child, lambda: child.observation().ready)
    os.kill(child.observation().pid, signal.SIGSTOP)
    turn(child, lambda: not child.observation().ready)
    assert child.restarts == 0
    turn(child, lambda: child.restarts == 1 and child.observation().ready)


DEAF = """
import socket, sys
flags = dict(a[2:].split("=", 1) for a in sys.argv[1:])
grpc = socket.create_server(("127.0.0.1", int(flags["port"])))
while True: grpc.accept()[0].close()
"""


def test_a_server_whose_rest_port_was_taken_meanwhile_is_started_anew_with_other_ports(child_of, monkeypatch, tmp_path):
    monkeypatch.setattr("tfx_rollout.supervisor.child.PATIENCE_S", 0.5)
    first = tmp_path / "first"
    child = child_of(f"import os\nif not os.path.exists({str(first)!r}):\n open({str(first)!r}, 'w')\n exec({DEAF!r})\n" + SERVER)
    child.configure(ServerSpec((1,)))
    child.tick()
    ports = child.ports
    turn(child, lambda: child.observation().ready)
    assert child.restarts == 1
    assert set(child.ports).isdisjoint(ports)


def test_a_version_that_no_server_could_load_is_reported_with_the_servers_own_words(child_of):
    child = child_of(
        "import sys\nprint('Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: "
        "{{name: taxi version: 7} due to error: NOT_FOUND: no graph, }'); sys.exit(255)"
    )
    child.configure(ServerSpec((7,), {Label.CANARY: 7}))
    turn(child, lambda: child.fault)
    assert child.fault == "version 7 does not load on taxi~canary: NOT_FOUND: no graph"
    seen = child.observation()
    assert (seen.ready, dict(seen.versions), dict(seen.errors)) == (False, {7: VersionState.END}, {7: "NOT_FOUND: no graph"})

    child.configure(ServerSpec((8,)))
    assert child.fault is None


def test_a_server_that_never_answers_but_dies_is_a_fault_after_three_times(child_of):
    child = child_of("import sys; sys.exit('broken')")
    child.configure(ServerSpec((1,)))
    turn(child, lambda: child.fault)
    assert child.restarts == 3
    assert child.fault is not None
    assert child.fault.startswith("model server taxi~canary ended 3 times in a row before it answered: see ")


def test_a_server_that_ignores_its_stop_is_killed_and_its_configuration_removed(child_of, tmp_path):
    child = child_of("import signal\nsignal.signal(15, signal.SIG_IGN)\n" + SERVER, stop_grace_s=0.2)
    child.configure(ServerSpec((1,)))
    turn(child, lambda: child.observation().ready)
    child.stop()
    assert not child.observation().ready
    turn(child, lambda: child.gone)
    assert not (tmp_path / "taxi~canary.config").exists()


def test_a_child_goes_on_with_the_server_of_an_earlier_supervisor(child_of, tmp_path):
    folder = ProcessFolder(tmp_path / "processes")
    first = child_of(SERVER, launcher=folder)
    first.configure(ServerSpec((1, 2), {Label.CANARY: 2}))
    turn(first, lambda: first.observation().ready)
    seen = first.observation()

    second = child_of(SERVER, launcher=folder)
    second.adopt(folder.recover()["taxi~canary"], replace(seen, restarts=2))
    assert second.unheard
    turn(second, lambda: not second.unheard)
    assert second.observation() == replace(seen, restarts=2)
    # It is the second one's to stop now.
    end(second)
    assert folder.recover() == {}
    turn(first, lambda: not first.observation().ready)


@pytest.mark.parametrize(("pid_seen", "restarts"), [("the same", 3), ("an earlier one", 3), (None, 2)])
def test_a_death_that_no_supervisor_saw_is_counted_once(child_of, tmp_path, pid_seen, restarts):
    folder = ProcessFolder(tmp_path / "processes")
    first = child_of(SERVER, launcher=folder)
    first.configure(ServerSpec((1,)))
    turn(first, lambda: first.observation().ready)
    seen = first.observation()
    os.kill(seen.pid, signal.SIGKILL)
    while folder.recover()["taxi~canary"].process is not None:
        time.sleep(0.01)

    second = child_of(SERVER, launcher=folder)
    pid = {"the same": seen.pid, "an earlier one": 1, None: None}[pid_seen]
    second.adopt(folder.recover()["taxi~canary"], replace(seen, restarts=2, pid=pid))
    assert (second.restarts, second.spec, second.observation().ready) == (restarts, ServerSpec((1,)), False)
    turn(second, lambda: second.observation().ready)
    assert second.restarts == restarts
