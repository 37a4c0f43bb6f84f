"""The process of the API: how it begins, whom it refuses to serve, how it ends, and that a kill hurts nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import free_port, tethered
from tfx_rollout.supervisor.api_process import ApiProcess, ApiSettings

pytestmark = pytest.mark.integration
Started = Callable[..., tuple[str, subprocess.Popen[bytes]]]


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:g} s"
        time.sleep(0.05)
    return found


def answers(address: str, **more: Any) -> bool:
    try:
        return httpx.get(f"{address}/healthz", timeout=5, **more).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def started(base) -> Iterator[Started]:
    """`started("--rate", "5")`: address and process of an API that answers."""
    processes: list[subprocess.Popen[bytes]] = []

    def started(
        *options: str, host: str = "127.0.0.1", scheme: str = "http", **trust: Any
    ) -> tuple[str, subprocess.Popen[bytes]]:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "tfx_rollout.control",
            "--root",
            str(base.store.root),
            "--host",
            host,
            "--port",
            str(port),
        ]
        processes.append(subprocess.Popen(tethered([*command, *options]), stderr=subprocess.PIPE))
        address = f"{scheme}://127.0.0.1:{port}"
        wait_for(lambda: answers(address, **trust) or processes[-1].poll() is not None, "the API's start")
        return address, processes[-1]

    yield started
    for process in processes:
        with process:
            process.kill()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


def test_sigterm_lets_watchers_go_at_once_and_ends_well(started: Started):
    address, process = started()
    told: list[str] = []

    def watch() -> None:
        try:
            with httpx.stream("GET", f"{address}/v1/events", timeout=60) as answer:
                for line in answer.iter_lines():
                    told.append(line)
        except httpx.RemoteProtocolError as broken:
            told.append(str(broken))

    watcher = threading.Thread(target=watch)
    watcher.start()
    wait_for(lambda: told, "the first event")
    assert answers(address)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    watcher.join()
    assert told[0] == "event: models"
    assert "incomplete" in told[-1] or "closed" in told[-1]
    # Had it waited for the grace to be over, it would have said so.
    assert process.stderr is not None
    assert process.stderr.read() == b""


def test_it_speaks_tls_beyond_loopback_and_to_tokens_alone(started: Started, certificate, base):
    cert, key = certificate
    secret = TokenFile(base.store.access_dir).create(TokenWanted(name="ann", role=Role.READ), by="root").secret
    trust = ssl.create_default_context(cafile=str(cert))
    address, _ = started("--tls-cert", str(cert), "--tls-key", str(key), host="0.0.0.0", scheme="https", verify=trust)
    with httpx.Client(base_url=address, verify=trust) as client:
        assert client.get("/v1/models").status_code == 401
        answer = client.get("/v1/models", headers={"Authorization": f"Bearer {secret}"})
        assert [model["model"] for model in answer.json()["models"]] == ["taxi"]
    with pytest.raises(httpx.HTTPError):
        httpx.get(address.replace("https", "http") + "/healthz")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(address + "/healthz")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--host", "0.0.0.0"], 2, "would listen on 0.0.0.0 without TLS"),
        (["--tls-cert", "/nowhere/cert.pem"], 2, "the key is missing"),
        (["--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"], 2, "/nowhere/cert.pem cannot be used for TLS"),
        (["--host", "192.0.2.1", "--insecure"], 2, "192.0.2.1 (the HTTP API's port) is no address of this machine"),
    ],
)
def test_what_everybody_in_the_network_could_use_or_nobody_is_not_begun(base, options: list[str], code: int, said: str):
    command = [sys.executable, "-m", "tfx_rollout.control", "--root", str(base.store.root), "--port", "0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.startswith("error: ")) == (code, True)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_root_that_is_not_there_is_not_served(tmp_path: Path):
    command = [sys.executable, "-m", "tfx_rollout.control", "--root", str(tmp_path / "nowhere"), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        f"error: There is no folder {tmp_path / 'nowhere'}; give the root that `tfx-rollout serve` serves.\n",
    )


def test_the_supervisors_keeper_starts_it_again_on_the_same_port_and_it_ends_with_it(base):
    store = ModelStore(base.store.root)
    api = ApiProcess(ApiSettings(port=0), store)
    api.open()
    address = api.url
    try:
        api.tick()
        first = api.pid
        # Nobody answers yet, and nobody is refused: the socket is the keeper's.
        assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
        assert first is not None
        _kill(first)
        waiting = threading.Thread(target=lambda: answered.append(httpx.get(f"{address}/healthz", timeout=60).status_code))
        answered: list[int] = []
        waiting.start()
        wait_for(lambda: api.tick() or (api.pid not in (None, first)), "another process")
        waiting.join(60)
        assert answered == [200]
    finally:
        api.stop()
    assert not answers(address)
    again = ApiProcess(ApiSettings(port=int(address.rsplit(":", 1)[1])), store)
    again.open()
    again.stop()


def test_killed_at_any_moment_it_leaves_a_valid_state_and_what_it_confirmed(base):
    """Changes go on while the process is killed again and again; every confirmed one is there, and nothing is half done."""
    chance = random.Random(7)
    api = ApiProcess(ApiSettings(port=0), ModelStore(base.store.root))
    api.open()
    confirmed: list[int] = []
    stopped = threading.Event()

    def change() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            path = f"{api_url}/v1/models/taxi/versions/{2 + number % 2}/{'pin' if number % 4 < 2 else 'unpin'}"
            try:
                answer = httpx.post(path, json={"why": f"change {number}"}, timeout=60)
            except httpx.TransportError:
                continue
            assert answer.status_code == 200, answer.text
            if answer.json()["changed"]:
                confirmed.append(answer.json()["configuration"]["generation"])

    api_url = api.url
    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(3):
            wait_for(lambda: api.tick() or api.pid, "a process")
            seen = len(confirmed)
            wait_for(lambda before=seen: len(confirmed) > before + 3, "changes")
            time.sleep(chance.uniform(0, 0.05))
            _kill(api.pid)
            wait_for(lambda killed=api.pid: api.tick() or api.pid not in (None, killed), "another process")
        stopped.set()
        changing.join(60)
        desired = base.desired()
        assert desired.generation >= max(confirmed)
        assert sorted(set(confirmed)) == sorted(confirmed)
        generations = [event["generation"] for event in base.history() if event["event"] == "desired"]
        assert set(confirmed) <= {*generations, desired.generation}
        assert httpx.get(f"{api_url}/v1/models/taxi", timeout=60).json()["generation"] == desired.generation
        assert json.loads((base.control / "desired.json").read_text())["generation"] == desired.generation
    finally:
        stopped.set()
        api.stop()


def _kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
