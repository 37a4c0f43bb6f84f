"""The life of a server process, with a stand-in for the server itself: any program will do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tfx_rollout.errors import ServerFailed
from tfx_rollout.serving import ModelServerProcess, model_server_command
from tfx_rollout.serving.launch import COMMAND_VARIABLE
from tfx_rollout.serving.log_rotation import rotate_log


def start(tmp_path: Path, program: str) -> ModelServerProcess:
    command = [sys.executable, "-u", "-c", program]
    return ModelServerProcess.start("taxi", tmp_path / "taxi.config", tmp_path / "logs" / "taxi.log", command=command)


def test_the_command_comes_from_the_variable_then_the_path_then_this_python(tmp_path, monkeypatch):
    monkeypatch.delenv(COMMAND_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert model_server_command() == [sys.executable, "-m", "tfx_rollout.model_server"]
    binary = tmp_path / "tensorflow_model_server"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    assert model_server_command() == [str(binary)]
    monkeypatch.setenv(COMMAND_VARIABLE, "docker run 'my image'")
    assert model_server_command() == ["docker", "run", "my image"]


def test_the_server_gets_its_ports_and_files_by_the_flags_of_tensorflow_serving(tmp_path):
    server = start(tmp_path, "import sys; print(*sys.argv[1:], sep='\\n')")
    assert server._process.wait(20)
    assert server.returncode == 0
    assert server.log_tail().splitlines() == [
        f"--port={server.grpc_port}",
        f"--rest_api_port={server.rest_port}",
        f"--model_config_file={tmp_path}/taxi.config",
        "--model_config_file_poll_wait_seconds=1",
        "--file_system_poll_wait_seconds=1",
        "--allow_version_labels_for_unavailable_models=true",
        "--max_num_load_retries=1",
        "--load_retry_interval_micros=1000000",
        "--num_load_threads=2",
        "--rest_api_timeout_in_ms=3600000",
    ]


def test_the_last_lines_are_found_in_a_log_that_was_put_aside_meanwhile(tmp_path):
    log = tmp_path / "logs" / "taxi.log"
    log.parent.mkdir()
    log.write_text("what an earlier server wrote\n" * 100)
    server = start(tmp_path, "import time; print('first'); time.sleep(60)")
    while "first" not in server.log_tail():
        assert server.alive()
    assert rotate_log(log, over_bytes=100)
    assert server.log_tail() == ""
    with log.open("ab") as more:
        more.write(b"second\n")
    facts = {"grpc_port": 1, "rest_port": 2, "log_file": str(log), "host": "127.0.0.1", "log_start": 2900}
    adopted = ModelServerProcess.adopt("taxi", server._process, facts)
    assert server.log_tail() == adopted.log_tail() == "second"
    server.kill()


def test_a_server_that_ends_before_it_is_ready_is_reported_with_its_last_words(tmp_path):
    server = start(tmp_path, "print('first'); import sys; sys.exit('no such config')")
    with pytest.raises(ServerFailed, match=r"ended with code 1: no such config; its log is .*/logs/taxi\.log"):
        server.wait_available("taxi", 1, timeout_s=20)


def test_a_server_that_never_answers_is_given_up_after_the_time(tmp_path):
    server = start(tmp_path, "import time; time.sleep(60)")
    try:
        with pytest.raises(ServerFailed, match=r"did not have version 1 of model taxi after 0.3 s \(it does not answer\)"):
            server.wait_available("taxi", 1, timeout_s=0.3)
        assert server.alive()
    finally:
        assert server.stop() == -15


LISTENS = """
import socket, sys
flags = dict(a[2:].split("=", 1) for a in sys.argv[1:])
servers = [socket.create_server(("127.0.0.1", int(flags[name]))) for name in {names}]
print("listens")
while True: servers[-1].accept()
"""


@pytest.mark.parametrize(("names", "lacks"), [(["port"], True), (["rest_api_port"], False), (["port", "rest_api_port"], False)])
def test_a_server_that_serves_grpc_alone_is_known_by_its_ports(tmp_path, names, lacks):
    server = start(tmp_path, LISTENS.format(names=names))
    try:
        assert not server.lacks_rest() or lacks
        while "listens" not in server.log_tail():
            assert server.alive()
        assert server.lacks_rest() is lacks
    finally:
        server.stop()


def test_a_server_that_ignores_sigterm_is_killed_after_the_grace(tmp_path):
    server = start(tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)")
    while "deaf" not in server.log_tail():
        assert server.alive()
    assert server.stop(grace_s=0.2) == -9
    assert not server.alive()
