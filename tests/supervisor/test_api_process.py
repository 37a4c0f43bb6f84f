"""The API that the supervisor keeps: beside the serving, never in its way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tfx_rollout.errors import PortInUse
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import ensure_free, free_port
from tfx_rollout.supervisor.api_process import ApiProcess, ApiSettings
from tfx_rollout.supervisor.presence import running_supervisor


def test_a_taken_port_is_told_at_once_unless_the_former_api_may_still_have_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        now = [0.0]

        def clock() -> float:
            now[0] += 4.0
            return now[0]

        api = ApiProcess(ApiSettings(port=port), ModelStore(tmp_path), clock=clock)
        for former in (None, "127.0.0.1:1"):
            with pytest.raises(PortInUse, match=rf"Port {port} on 127\.0\.0\.1 \(the HTTP API's port\) is in use"):
                api.open(former)
        waited = now[0]
        with pytest.raises(PortInUse):
            api.open(f"127.0.0.1:{port}")
        assert now[0] - waited > 10


def test_the_port_is_the_keepers_from_the_first_to_the_last(tmp_path: Path):
    api = ApiProcess(ApiSettings(port=0), ModelStore(tmp_path))
    api.open()
    port = int(api.address.removeprefix("127.0.0.1:"))
    with pytest.raises(PortInUse):
        ApiProcess(ApiSettings(port=port), ModelStore(tmp_path)).open()
    with socket.create_connection(("127.0.0.1", port)):
        pass
    api.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_what_ends_at_once_is_started_again_with_a_growing_delay_and_no_secret_is_in_its_command(tmp_path: Path, caplog):
    (tmp_path / "processes").mkdir()
    now = [0.0]
    settings = ApiSettings(port=0, options=("--no-such-option",))
    api = ApiProcess(settings, ModelStore(tmp_path), clock=lambda: now[0])
    api.open()
    starts = []
    try:
        for _ in range(3):
            api.tick()
            assert api.pid is not None
            starts.append(api.pid)
            os.waitid(os.P_PID, api.pid, os.WEXITED | os.WNOWAIT)
            api.tick()
            assert api.pid is None
            now[0] += 0.1
            api.tick()
            assert api.pid is None
            now[0] += 30
    finally:
        api.stop()
    assert len(set(starts)) == 3
    assert caplog.text.count("serving goes on, and it is started again in") == 3
    assert "0.2 s" in caplog.text
    assert "0.8 s" in caplog.text
    assert "unrecognized arguments: --no-such-option" in (tmp_path / "processes" / "api.log").read_text()


@pytest.mark.integration
def test_a_served_root_has_an_api_that_dies_and_comes_again_and_ends_with_the_supervisor(serve, tmp_path):
    root = tmp_path / "root"
    with serve(root, api=True) as serving:
        info = running_supervisor(root)
        assert info is not None
        address = f"http://{info.api_address}"
        assert httpx.get(f"{address}/readyz", timeout=60).json() == {"ready": True, "reasons": []}
        told = httpx.get(f"{address}/v1/models", timeout=60).json()["supervisor"]
        assert (told["pid"], told["gateway_address"]) == (info.pid, info.gateway_address)
        pid = int(_logged(serving.log_file.read_text(), "the API is at")[-1])
        os.kill(pid, signal.SIGKILL)
        assert httpx.get(f"{address}/readyz", timeout=60).status_code == 200
        assert running_supervisor(root) == info
        assert "the API was killed by SIGKILL" in serving.log_file.read_text()
        assert serving.stop() == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/healthz")


@pytest.mark.integration
def test_a_supervisor_that_is_killed_takes_its_api_along_and_the_next_one_has_the_port_again(serve, tmp_path, wait_until):
    root = tmp_path / "root"
    port = free_port()
    with serve(root, "--api-port", str(port), api=True) as serving:
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200
        serving.process.kill()
        serving.process.wait()
        wait_until(lambda: _is_free(serving.port), what="the end of the gateway, which goes with it")
        with serve(root, "--api-port", str(port), api=True, port=serving.port):
            assert httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60).status_code == 200


@pytest.mark.integration
def test_a_taken_port_keeps_the_supervisor_from_starting_anything(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [
            sys.executable,
            "-m",
            "tfx_rollout.cli",
            "serve",
            str(tmp_path),
            "--port",
            str(free_port()),
            "--api-port",
            port,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 6
    assert f"error: Port {port} on 127.0.0.1 (the HTTP API's port) is in use" in done.stderr
    assert not (tmp_path / "gateway").exists()


@pytest.mark.integration
def test_beyond_this_machine_it_takes_tls_and_tokens(tmp_path: Path):
    command = [sys.executable, "-m", "tfx_rollout.cli", "serve", str(tmp_path / "root"), "--api-host", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "would listen on 0.0.0.0 without TLS" in done.stderr
    assert not (tmp_path / "root").exists()


def _is_free(port: int) -> bool:
    try:
        ensure_free("127.0.0.1", port, "a test")
    except PortInUse:
        return False
    return True


def _logged(text: str, what: str) -> list[str]:
    return [line.split("pid ")[1].rstrip(")") for line in text.splitlines() if what in line]
