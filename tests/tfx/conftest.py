"""Artifacts as the runners hand them to executors, on a real model store below the test's folder."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.model_store import BasePath, ModelStore


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The models and examples that TFX ships."""
    import tfx.components

    return Path(next(iter(tfx.components.__path__))) / "testdata"


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
