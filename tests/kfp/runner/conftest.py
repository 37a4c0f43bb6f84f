"""Small compiled pipelines, written as KFP's compilers write them, whose tasks are a line of Python each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.kfp.ir import Documents

Json = dict[str, Any]


def from_task(producer: str, key: str) -> Json:
    """An input artifact or parameter that another task gives."""
    return {"producerTask": producer, "key": key}


@dataclass
class Ir:
    """A compiled pipeline in the making. Every task gets a component and an executor of its own name."""

    parameters: Json = field(default_factory=dict)
    tasks: Json = field(default_factory=dict)
    components: Json = field(default_factory=dict)
    executors: Json = field(default_factory=dict)
    platform: Json | None = None

    def add(
        self,
        name: str,
        code: str = "pass",
        *args: str,
        inputs: Mapping[str, Any] | None = None,
        parameters: Mapping[str, str] | None = None,
        given: Mapping[str, Any] | None = None,
        artifacts: Mapping[str, Json] | None = None,
        outputs: Sequence[str] = (),
        output_parameters: Mapping[str, str] | None = None,
        after: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        **task: Any,
    ) -> Ir:
        """A task `python -c code args`.

        `parameters` are its component's parameter types, `given` the sources of their
        values (a bare value is a constant); `artifacts` the sources of its input artifacts.
        """
        wired: Json = {}
        if given:
            wired["parameters"] = {key: self._source(value) for key, value in given.items()}
        if artifacts:
            wired["artifacts"] = {key: self._artifact_source(value) for key, value in artifacts.items()}
        definitions: Json = {}
        if parameters:
            definitions["parameters"] = {
                key: kind if isinstance(kind, dict) else {"parameterType": kind} for key, kind in parameters.items()
            }
        if artifacts:
            definitions["artifacts"] = {key: {"artifactType": {"schemaTitle": "system.Artifact"}} for key in artifacts}
        given_back: Json = {}
        if outputs:
            given_back["artifacts"] = {key: {"artifactType": {"schemaTitle": "system.Model"}} for key in outputs}
        if output_parameters:
            given_back["parameters"] = {key: {"parameterType": kind} for key, kind in output_parameters.items()}
        self.components[name] = {
            "executorLabel": name,
            **({"inputDefinitions": definitions} if definitions else {}),
            **({"outputDefinitions": given_back} if given_back else {}),
        }
        container: Json = {"image": "image", "command": ["python", "-c", code], "args": list(args)}
        if env:
            container["env"] = [{"name": key, "value": value} for key, value in env.items()]
        self.executors[name] = {"container": container}
        self.tasks[name] = {
            "componentRef": {"name": name},
            "taskInfo": {"name": name},
            **({"inputs": wired} if wired else {}),
            **({"dependentTasks": list(after)} if after else {}),
            **task,
        }
        return self

    def documents(self, **changes: Any) -> Documents:
        """The pipeline's documents."""
        root: Json = {"dag": {"tasks": self.tasks}}
        if self.parameters:
            root["inputDefinitions"] = {"parameters": self.parameters}
        pipeline = {
            "schemaVersion": "2.1.0",
            "sdkVersion": "test",
            "pipelineInfo": {"name": "small"},
            "root": root,
            "components": self.components,
            "deploymentSpec": {"executors": self.executors},
            **changes,
        }
        return Documents(pipeline, self.platform, "small.yaml")

    @staticmethod
    def _source(value: Any) -> Json:
        if isinstance(value, dict) and "key" in value:
            return {"taskOutputParameter": {"producerTask": value["producerTask"], "outputParameterKey": value["key"]}}
        if isinstance(value, dict) and len(value) == 1 and next(iter(value)).endswith(("Parameter", "Status", "Value")):
            return value
        return {"runtimeValue": {"constant": value}}

    @staticmethod
    def _artifact_source(value: Json) -> Json:
        if "key" in value:
            return {"taskOutputArtifact": {"producerTask": value["producerTask"], "outputArtifactKey": value["key"]}}
        return value


@pytest.fixture
def ir() -> Ir:
    return Ir()


WRITE_OUTPUT = """
import json, os, sys
given = json.loads(sys.argv[1])
os.makedirs(os.path.dirname(given["outputs"]["outputFile"]), exist_ok=True)
with open(given["outputs"]["outputFile"], "w") as file:
    file.write(sys.argv[2])
"""
"""Writes its second argument as ExecutorOutput where it should be; the first is `{{$}}`."""


@pytest.fixture
def write_output() -> str:
    return WRITE_OUTPUT


@pytest.fixture
def run(tmp_path: Path):
    """Runs a pipeline with its root in a folder of the test, silently."""
    from tfx_rollout.kfp.runner import run_pipeline

    def run(ir: Ir | Documents | Path | str, **options: Any):
        documents = ir.documents() if isinstance(ir, Ir) else ir
        options = {"pipeline_root": tmp_path / "root", "tell": lambda line: None, "timeout_s": 60, **options}
        return run_pipeline(documents, **options)

    return run
