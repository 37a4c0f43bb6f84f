"""The supervisor's own command line and probes, tried with the real program."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from manifests.lint.commands import read_command
from manifests.lint.documents import Container, Manifests
from tfx_rollout.serving import free_port

MANIFESTS = Path(__file__).parents[3] / "kubeflow" / "manifests"
OVERLAYS = ("base", "overlays/example", "overlays/standby", "overlays/pipelines", "overlays/followers", "overlays/retraining")


def supervisors(documents) -> list[Container]:
    containers = [container for name in OVERLAYS for container in Manifests(documents(name)).containers]
    return [container for container in containers if container.words[:2] == ["tfx-rollout", "serve"]]


@dataclass
class Serving:
    root: Path
    port: int
    process: subprocess.Popen[bytes]

    def status(self, path: str) -> int:
        """The HTTP status of a probe; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def run(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", "tfx_rollout.cli", *words], check=True, timeout=60, capture_output=True)


@pytest.fixture
def serving(documents, tmp_path: Path) -> Iterator[Serving]:
    """The base's own command line, with this machine's folders and a free port in the place of the pod's."""
    (container, *_) = supervisors(documents)
    port = free_port()
    places = {
        "/srv/models": str(tmp_path / "root"),
        "--local=/var/lib/tfx-rollout": f"--local={tmp_path / 'local'}",
        "--port=8500": f"--port={port}",
        "--admin-port=9901": f"--admin-port={free_port()}",
        "--api-port=8600": f"--api-port={free_port()}",
    }
    words = [places.pop(word, word) for word in container.words[1:]]
    assert places == {}
    with subprocess.Popen([sys.executable, "-m", "tfx_rollout.cli", *words], stderr=subprocess.DEVNULL) as process:
        serving = Serving(tmp_path / "root", port, process)
        try:
            yield serving
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def await_true(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:g} s"
        time.sleep(0.1)


EXPORT = """
import sys
import tensorflow.compat.v1 as tf
with tf.Graph().as_default(), tf.Session() as session:
    x = tf.placeholder(tf.float32, [None], name="x")
    tf.saved_model.simple_save(session, sys.argv[1], {"x": x}, {"y": 2.0 * x})
"""


@pytest.mark.integration
def test_every_probe_path_is_answered_by_a_gateway_that_runs(documents, serving: Serving, tmp_path: Path):
    paths = {container.spec["readinessProbe"]["httpGet"]["path"] for container in supervisors(documents)}
    assert paths == {"/gateway/heartbeat", "/v1/models/taxi/metadata"}
    await_true(lambda: serving.status("/gateway/heartbeat") == 200, "the heartbeat")
    assert serving.status("/v1/models/taxi/metadata") == 404
    subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT, str(tmp_path / "model")], check=True, capture_output=True)
    plan = tmp_path / "plan.yaml"
    plan.write_text("stages: [{share: 0.5}]\npromotion: automatic\n")
    serving.run("push", str(tmp_path / "model"), "--root", str(serving.root), "--model", "taxi")
    assert serving.status("/v1/models/taxi/metadata") == 404
    serving.run("rollout", "start", "--root", str(serving.root), "--model", "taxi", "--plan", str(plan))
    await_true(lambda: serving.status("/v1/models/taxi/metadata") == 200, "a live model's metadata")
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(60) == 0
    assert {serving.status(path) for path in paths} == {0}


@pytest.mark.integration
def test_a_second_pod_waits_and_takes_over_when_the_first_one_ends(serving: Serving, tmp_path: Path):
    await_true(lambda: serving.status("/gateway/heartbeat") == 200, "the heartbeat of the first")
    port = free_port()
    second = [sys.executable, "-m", "tfx_rollout.cli", "serve", str(serving.root), "--port", str(port), "--no-api"]
    log = tmp_path / "second.log"
    with (
        log.open("wb") as output,
        subprocess.Popen([*second, "--local", str(tmp_path / "second"), "--standby", "--tethered"], stderr=output) as process,
    ):
        try:
            standby = Serving(serving.root, port, process)
            await_true(lambda: "standing by" in log.read_text(), "standing by")
            assert standby.status("/gateway/heartbeat") == 0
            serving.process.send_signal(signal.SIGTERM)
            await_true(lambda: standby.status("/gateway/heartbeat") == 200, "the takeover")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.integration
def test_the_nightly_job_brings_a_model_to_live_traffic(documents, serving: Serving, tmp_path: Path):
    """Container after container, as Kubernetes would run them, with this machine's folders."""
    await_true(lambda: serving.status("/gateway/heartbeat") == 200, "the heartbeat")
    places = {
        "/srv/models": str(serving.root),
        "/scratch": str(tmp_path / "scratch"),
        "/etc/tfx-rollout/plans": str(MANIFESTS / "base" / "plans"),
    }
    (job,) = [w for w in Manifests(documents("overlays/retraining")).workloads if w.document["kind"] == "CronJob"]
    environment = {**os.environ, "PYTHONPATH": str(MANIFESTS.parents[1] / "pipelines")}
    for container in job.containers:
        programs = {"tfx-rollout": [sys.executable, "-m", "tfx_rollout.cli"], "python3": [sys.executable]}
        first, *rest = container.words
        for place, here in places.items():
            rest = [word.replace(place, here) for word in rest]
        done = subprocess.run(
            [*programs.get(first, [first]), *rest], env=environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, f"{container.place}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    assert serving.status("/v1/models/penguin/metadata") == 200


def test_the_supervisors_of_all_overlays_run_the_same_command(documents):
    assert len({tuple(container.words) for container in supervisors(documents)}) == 1


def test_the_own_programs_of_the_nightly_job_take_their_flags(documents):
    containers = Manifests(documents("overlays/retraining")).containers
    modules = [container.words[2:] for container in containers if container.words[:2] == ["python3", "-m"]]
    assert [words[0] for words in modules] == ["penguin.data", "penguin.train"]
    for module, *arguments in modules:
        program = importlib.import_module(module).main
        assert isinstance(program, click.Command)
        program.make_context(module, arguments)


def test_a_command_line_is_read_without_being_run(tmp_path: Path):
    command = read_command(["serve", str(tmp_path / "missing"), "--grace=7"])
    assert (command.name, command.parameters["grace"]) == ("serve", 7.0)
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("words", [[], ["rollout"], ["typo"], ["rollout", "typo"], ["serve"]])
def test_a_command_line_that_is_none_is_a_usage_error(words: list[str]):
    with pytest.raises(click.UsageError):
        read_command(words)
