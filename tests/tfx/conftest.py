"""Artifacts as the runners hand them to executors, on a real model store below the test's folder."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import RolloutController
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.testing import Behaviour, InMemoryEvidence, ManualClock, SimulatedServing


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The models and examples that TFX ships."""
    import tfx.components

    return Path(next(iter(tfx.components.__path__))) / "testdata"


PLAN = {
    "name": "quick",
    "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300, "max_failure_rate": 0.05}],
    "window_seconds": 5,
    "waiting_seconds": 2,
    "min_windows": 3,
    "min_requests": 100,
    "promotion_deadline_seconds": 100_000,
}


class Supervised:
    """A root that is served in a thread: real store, judge and controller; processes, requests and time are simulated."""

    def __init__(self, base: BasePath, canary: Behaviour) -> None:
        self.base = base
        clock = ManualClock(time.time())
        self._serving = SimulatedServing(base.name, clock)
        evidence = InMemoryEvidence(clock, self._serving.split_at, canary=canary, waiting_seconds=2.0)
        self._controller = RolloutController(base, evidence, clock)
        self._clock = clock
        self._stopped = threading.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        root = self.base.store.root
        with presence(root):
            announce(root, SupervisorInfo(os.getpid(), "127.0.0.1:8500", "127.0.0.1:9901", self._clock.now()))
            self._up.set()
            while not self._stopped.is_set():
                self.base.write_observed(self._serving.settle(self.base.desired()))
                self._controller.tick()
                self._clock.advance(4.0)

    def __enter__(self) -> Supervised:
        self._thread.start()
        assert self._up.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(30)


@pytest.fixture
def supervised() -> Callable[..., Supervised]:
    """`supervised(base, failures=0.05)`: use it in `with`; `failures` is the canary's share."""

    def supervised(base: BasePath, failures: float = 0.0) -> Supervised:
        return Supervised(base, Behaviour(failures=failures))

    return supervised


@pytest.fixture
def plan() -> dict[str, Any]:
    return PLAN


@dataclass
class Bench:
    """Makes artifacts and runs executors on them."""

    folder: Path
    testdata: Path
    serving: dict[str, str]
    _numbers: Any

    @property
    def base(self) -> BasePath:
        return ModelStore(Path(self.serving["root"])).model(self.serving["model"])

    def artifact(self, kind: type, *, uri: Path | None = None, **properties: str | int) -> Any:
        artifact = kind()
        artifact.id = next(self._numbers)
        artifact.uri = str(uri or self.folder / f"artifact-{artifact.id}")
        Path(artifact.uri).mkdir(parents=True, exist_ok=True)
        for name, value in properties.items():
            setter = artifact.set_string_custom_property if isinstance(value, str) else artifact.set_int_custom_property
            setter(name, value)
        return artifact

    def model(self, source: str = "trainer/keras/Format-Serving", edit: Callable[[Path], None] | None = None) -> Any:
        """A `Model` artifact as the Trainer leaves it, with one of the wheel's SavedModels."""
        from tfx.types import standard_artifacts

        artifact = self.artifact(standard_artifacts.Model)
        target = Path(artifact.uri) / "Format-Serving"
        shutil.copytree(self.testdata / source, target)
        if edit:
            edit(target)
        return artifact

    def run(
        self, executor: type, inputs: dict[str, Any], outputs: dict[str, Any], *, local: bool = True, **parameters: Any
    ) -> Any:
        """Runs `Do` and returns the output artifacts. `local` gives it the context of TFX's own runners."""
        from tfx.dsl.components.base import base_executor

        output_dict = {key: [artifact] for key, artifact in outputs.items()}
        context = base_executor.BaseExecutor.Context(pipeline_run_id="run-1" if local else None)
        executor(context).Do({key: [artifact] for key, artifact in inputs.items()}, output_dict, parameters)
        return output_dict


@pytest.fixture
def bench(tmp_path: Path, testdata: Path) -> Bench:
    serving = {"root": str(tmp_path / "serve"), "model": "taxi"}
    Path(serving["root"]).mkdir()
    return Bench(tmp_path, testdata, serving, itertools.count(1))


@pytest.fixture
def serving(bench: Bench) -> str:
    """The parameter as Kubeflow hands it over: JSON."""
    return json.dumps(bench.serving)
