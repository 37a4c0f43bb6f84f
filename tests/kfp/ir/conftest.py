"""A small pipeline as TFX's compiler leaves it, and the settings that finish it. No TFX here."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tfx_rollout.kfp.ir import Documents, KubeflowSettings

TFX_ENTRYPOINT = ("python", "-m", "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor")
"""TFX's own, which open-source KFP's inputs make fail (an artifact whose type is empty)."""

MODEL = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}
REPORT = {"artifactType": {"instanceSchema": "title: tfx_rollout.RolloutReport\ntype: object\n"}}


def tfx_container(executor: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A container as TFX's compiler writes it."""
    args = ["--executor_class_path", executor, "--json_serialized_invocation_args", "{{$}}"]
    args += ["--json_serialized_inputs_spec_args", json.dumps(inputs)]
    return {"container": {"image": "tfx:latest", "command": list(TFX_ENTRYPOINT), "args": args, **more}}


RAW: dict[str, Any] = {
    "pipelineInfo": {"name": "taxi"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.16.0",
    "root": {
        "inputDefinitions": {"parameters": {"span": {"parameterType": "STRING"}}},
        "dag": {
            "tasks": {
                "CsvExampleGen": {
                    "taskInfo": {"name": "CsvExampleGen"},
                    "componentRef": {"name": "CsvExampleGen"},
                    "inputs": {"parameters": {"range_config": {"componentInputParameter": "span"}}},
                },
                "Trainer": {
                    "taskInfo": {"name": "Trainer"},
                    "componentRef": {"name": "Trainer"},
                    "dependentTasks": ["CsvExampleGen"],
                    "inputs": {
                        "parameters": {
                            "rows": {"taskOutputParameter": {"producerTask": "CsvExampleGen_task", "outputParameterKey": "rows"}},
                            "steps": {"runtimeValue": {"constant": 5.0}},
                        }
                    },
                },
                "VersionedPusher": {
                    "taskInfo": {"name": "VersionedPusher"},
                    "componentRef": {"name": "VersionedPusher"},
                    "cachingOptions": {"enableCache": True},
                    "inputs": {
                        "artifacts": {"model": {"taskOutputArtifact": {"producerTask": "Trainer", "outputArtifactKey": "model"}}}
                    },
                },
            }
        },
    },
    "components": {
        "CsvExampleGen": {
            "executorLabel": "CsvExampleGen_executor",
            "inputDefinitions": {"parameters": {"range_config": {"parameterType": "STRING"}}},
            "outputDefinitions": {"parameters": {"rows": {"parameterType": "NUMBER_INTEGER"}}},
        },
        "Trainer": {
            "executorLabel": "Trainer_executor",
            "inputDefinitions": {
                "parameters": {"rows": {"parameterType": "NUMBER_INTEGER"}, "steps": {"parameterType": "NUMBER_INTEGER"}}
            },
            "outputDefinitions": {"artifacts": {"model": MODEL}},
        },
        "VersionedPusher": {
            "executorLabel": "VersionedPusher_executor",
            "inputDefinitions": {"artifacts": {"model": MODEL}},
            "outputDefinitions": {"artifacts": {"report": REPORT}},
        },
    },
    "deploymentSpec": {
        "executors": {
            "CsvExampleGen_executor": tfx_container(
                "tfx.components.example_gen.csv_example_gen.executor.Executor",
                {},
                lifecycle={"preCacheCheck": {"command": ["python", "-m", "tfx.driver"]}},
            ),
            "Trainer_executor": tfx_container("tfx.components.trainer.executor.GenericExecutor", {}),
            "VersionedPusher_executor": tfx_container(
                "tfx_rollout.tfx.versioned_pusher.Executor", {"artifacts": {"model": MODEL}}
            ),
        }
    },
}


@pytest.fixture
def raw() -> Documents:
    """Three TFX tasks with all that finishing mends; may be changed."""
    return Documents(copy.deepcopy(RAW), name="taxi.yaml")


@pytest.fixture
def settings() -> KubeflowSettings:
    """Settings that say something of everything."""
    return settings_with()


def settings_with(**more: Any) -> KubeflowSettings:
    """The least that settings must say, and more."""
    base = {"image": "registry/tfx-rollout:1", "pipeline_root": "gs://bucket/taxi", "parameters": {"span": "latest"}}
    return KubeflowSettings.read({**base, **more})


@pytest.fixture
def settings_of() -> Callable[..., KubeflowSettings]:
    """`settings_of(retries={"most": 3})`."""
    return settings_with


@pytest.fixture
def finished(raw: Documents, settings: KubeflowSettings) -> Documents:
    """The pipeline as it should be; may be changed."""
    from tfx_rollout.kfp.ir import finish

    return finish(raw, settings)
