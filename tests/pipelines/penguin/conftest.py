"""The pipeline run task by task on this machine, before a root that is really served, with penguins asking all the while."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from penguin.data import FILE, ISLAND, MEASURES, read
from penguin.pipeline import SERVING_ROOT
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor import running_supervisor

REPOSITORY = Path(__file__).parents[3]
QUICK = {
    "name": "quick",
    "window_seconds": 1,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 50,
    "max_failure_rate": 0.04,
    "latency": {"weight": 0},
    "predictions": {"weight": 0},
    "accuracy": {"weight": 0},
    "stages": [{"share": 0.5, "bad_odds_ratio": 5, "min_seconds": 5, "max_seconds": 240, "on_inconclusive": "rollback"}],
}
"""A plan for a busy machine: latencies are not looked at."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def base(root: Path) -> BasePath:
    return ModelStore(root).model("penguin")


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs the committed pipeline with these parameters."""
    from tfx_rollout.kfp.runner import run_pipeline

    bucket = tmp_path / "bucket"
    (bucket / "penguins").mkdir(parents=True)
    shutil.copy(FILE, bucket / "penguins" / FILE.name)

    def run(**parameters: Any) -> Any:
        return run_pipeline(
            REPOSITORY / "kubeflow" / "compiled" / "penguin.yaml",
            pipeline_root=tmp_path / "artifacts",
            parameters={"plan": json.dumps(QUICK), **parameters},
            mounts={SERVING_ROOT: root, "gs://tfx-rollout": bucket},
            environment={"PYTHONPATH": str(REPOSITORY / "pipelines"), "TF_CPP_MIN_LOG_LEVEL": "2"},
            longest_pause_s=0.1,
        )

    return run


@pytest.fixture
def served(root: Path) -> Iterator[str]:
    """The root, served by the command; the address for clients."""
    port, log_file = free_port(), root.parent / "supervisor.log"
    command = [
        sys.executable,
        "-m",
        "tfx_rollout.cli",
        "serve",
        str(root),
        "--port",
        str(port),
        "--grace",
        "5",
        "--tethered",
        "--no-api",
    ]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while running_supervisor(root) is None:
            assert process.poll() is None, log_file.read_text()
            assert time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Asked:
    """What the penguins were told: one status code an answer."""

    codes: list[int] = field(default_factory=list)


@contextmanager
def _asking(address: str) -> Iterator[Asked]:
    asked, end = Asked(), threading.Event()
    bodies = [{"instances": [{**{name: [float(row[name])] for name in MEASURES}, ISLAND: [row[ISLAND]]}]} for row in read()]

    def ask(first: int) -> None:
        with httpx.Client(timeout=30, trust_env=False) as http:
            number = first
            while not end.wait(0.01):
                number += 2
                answer = http.post(f"http://{address}/v1/models/penguin:predict", json=bodies[number * 7 % len(bodies)])
                asked.codes.append(answer.status_code)

    threads = [threading.Thread(target=ask, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def asking() -> Callable[[str], Any]:
    """Steady requests of every penguin; use it in `with`."""
    return _asking
