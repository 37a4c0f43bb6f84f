"""A served root in which a rollout runs, and a steady load on it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import Phase, plan_from_dict, running_rollout, start_rollout
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor import SupervisorInfo, running_supervisor
from tfx_rollout.traffic import Cause, Label

MODEL = "sums"
EXPORT = """
import sys
import tensorflow.compat.v1 as tf
for version in (1, 2):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        tf.constant(version, name="number")
        tf.saved_model.simple_save(session, f"{sys.argv[1]}/{version}", {"x": x}, {"y": tf.add(x, 1.0, name="y")})
"""
"""Two versions of the same function: whatever the judge compares, it finds no difference."""
PLAN = {
    "name": "benchmark",
    "window_seconds": 10,
    "waiting_seconds": 2,
    "stages": [{"share": 0.3, "min_seconds": 7200, "max_seconds": 14400}],
}
"""One stage that outlasts the benchmark, with windows as long as those of the plan `default`: events come all the time."""

T = TypeVar("T")


@dataclass(frozen=True)
class Root:
    """A root that is served, by whom, and the rollout that runs in it."""

    base: BasePath
    info: SupervisorInfo
    rollout: str

    @property
    def api(self) -> str:
        """`host:port` of the API."""
        assert self.info.api_address is not None
        return self.info.api_address

    def still_rolls_out(self) -> bool:
        """Whether the rollout has not ended."""
        return running_rollout(self.base) is not None


@contextmanager
def served_root(folder: Path) -> Iterator[Root]:
    """A root with version 1 live and version 2 as its canary, served by a process of its own."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", EXPORT, str(folder)], check=True, stderr=subprocess.DEVNULL)
    base = ModelStore(folder / "root").model(MODEL)
    for version in (1, 2):
        base.publish(folder / str(version))
    command = [sys.executable, "-m", "tfx_rollout.cli", "serve", str(folder / "root"), "--tethered"]
    log_file = folder / "serve.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([*command, "--port", str(free_port()), "--api-port", "0"], stderr=log)
    try:
        info = awaited(lambda: _with_api(running_supervisor(folder / "root")), "the API", log_file)
        before = base.desired()
        live = before.change(versions=(1,), labels={Label.STABLE: 1}, cause=Cause("benchmark", "something to serve", time.time()))
        wanted = base.write_desired(live, expected=before.generation).generation
        awaited(lambda: (seen := base.observed()) is not None and seen.generation >= wanted, "version 1", log_file)
        rollout = start_rollout(base, 2, plan_from_dict(PLAN), by="benchmark", why="something to watch")
        awaited(lambda: (run := running_rollout(base)) is not None and run.phase is Phase.RUNNING, "the canary", log_file)
        yield Root(base, info, rollout)
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def steady_load(root: Root, folder: Path, *, rate: float, seconds: float) -> Iterator[Path]:
    """A replay in a process of its own, over both protocols; gives the file of its answers. It is over when the block is."""
    rows, answers = folder / "rows.jsonl", folder / "answers.jsonl"
    rows.write_text("".join(json.dumps({"x": float(n)}) + "\n" for n in range(100)))
    command = [sys.executable, "-m", "tfx_rollout.cli", "replay", "--gateway", root.info.gateway_address, "--model", MODEL]
    command += ["--input", str(rows), "--rate", str(rate), "--seconds", str(seconds), "--record", str(answers)]
    with (folder / "replay.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        awaited(lambda: answers.exists() and answers.stat().st_size, "the first answer", folder / "replay.log")
        yield answers
    finally:
        process.terminate()
        process.wait(60)


def awaited(look: Callable[[], T | None], what: str, log_file: Path, seconds: float = 90) -> T:
    """What `look` finds once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come in {seconds:g} s:\n{log_file.read_text()}")
        time.sleep(0.05)
    return found


def _with_api(info: SupervisorInfo | None) -> SupervisorInfo | None:
    return info if info is not None and info.api_address is not None else None
