"""The compiled taxi pipeline, end to end: to a live version from nothing, and with a model that nobody blesses."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import compile_pipeline
from taxi.spans import write_spans
from tfx_rollout.kfp.runner import ForkLauncher, Launcher, PipelineResult, SubprocessLauncher, TaskState, run_pipeline
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.serving import ModelServerClient, free_port
from tfx_rollout.supervisor import running_supervisor
from tfx_rollout.traffic import Label

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ENTRYPOINT = "tfx_rollout.tfx.kubeflow.entrypoint"
PRELOAD = (ENTRYPOINT, "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor", "taxi.pipeline")
PIPELINES = Path(compile_pipeline.__file__).parents[1] / "pipelines"
PUSH_WHEN_LIVE = """
import sys
from tfx import v1 as tfx
from tfx.dsl.experimental.conditionals import conditional
from tfx.types import standard_artifacts
import tfx_rollout as rollout
from tfx_rollout.kfp.ir import KubeflowSettings
from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

uri, path = sys.argv[1:]
serving = {"root": "/srv/models", "model": "taxi"}
model = tfx.dsl.Importer(source_uri=uri, artifact_type=standard_artifacts.Model).with_id("Import")
live = rollout.LiveModel(serving=serving, fallback=model.outputs["result"], run_id=rollout.KUBEFLOW_RUN_ID)
with conditional.Cond(live.outputs["blessing"].future()[0].custom_property("blessed") == 1):
    pusher = rollout.VersionedPusher(model=model.outputs["result"], destination=serving, run_id=rollout.KUBEFLOW_RUN_ID)
pipeline = tfx.dsl.Pipeline(
    pipeline_name="guarded", pipeline_root="gs://tfx-rollout/taxi", components=[model, live, pusher], enable_cache=False
)
settings = KubeflowSettings.read({"image": "image", "pipeline_root": "gs://tfx-rollout/taxi"}, what="the settings")
compile_for_kubeflow(pipeline, settings, path)
"""
"""A push that is guarded by `Cond`: only where something is live already."""


@dataclass(frozen=True)
class Cluster:
    """Folders in the place of a bucket and a volume, a supervisor on the volume, and a process that has imported TFX."""

    bucket: Path
    volume: Path
    launcher: Launcher

    def run(self, ir: Path, **parameters: Any) -> PipelineResult:
        return run_pipeline(
            ir,
            parameters=parameters,
            mounts={"gs://tfx-rollout": self.bucket, "/srv/models": self.volume},
            environment={"PYTHONPATH": str(PIPELINES)},
            launcher=self.launcher,
            timeout_s=300,
        )

    @property
    def model(self) -> BasePath:
        return ModelStore(self.volume).model("taxi")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    bucket, volume = folder / "bucket", folder / "volume"
    volume.mkdir()
    write_spans(bucket / "data")
    command = [
        sys.executable,
        "-m",
        "tfx_rollout.cli",
        "serve",
        str(volume),
        "--port",
        str(free_port()),
        "--tethered",
        "--no-api",
    ]
    with (folder / "serve.log").open("wb") as log:
        supervisor = subprocess.Popen(command, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while running_supervisor(volume) is None:
            assert supervisor.poll() is None, (folder / "serve.log").read_text()
            assert time.monotonic() < deadline, "the supervisor did not start"
            time.sleep(0.05)
        with ForkLauncher(PRELOAD, environment={"PYTHONPATH": str(PIPELINES)}, log=folder / "imports.log") as launcher:
            yield Cluster(bucket, volume, launcher)
    finally:
        supervisor.terminate()
        supervisor.wait(60)


@pytest.fixture(scope="module")
def first(cluster: Cluster) -> PipelineResult:
    """The first run, when nothing is live."""
    return cluster.run(compile_pipeline.compiled_file(), span="1").require_success()


@pytest.fixture(scope="module")
def guarded(first: PipelineResult, cluster: Cluster, tmp_path_factory) -> Callable[[], Path]:
    """The pipeline with a guarded push, compiled by TFX; it imports the model that the first run trained."""
    path = tmp_path_factory.mktemp("guarded") / "guarded.yaml"
    uri = "gs://tfx-rollout/" + str(Path(first.tasks["Trainer"].artifacts["model"]["uri"]).relative_to(cluster.bucket))
    subprocess.run([sys.executable, "-W", "ignore", "-c", PUSH_WHEN_LIVE, uri, str(path)], check=True, stderr=subprocess.PIPE)
    return path


def facts(result: PipelineResult, task: str, key: str) -> dict[str, Any]:
    return dict(result.tasks[task].artifacts[key]["metadata"])


def test_the_first_run_ends_in_a_live_version(first, cluster):
    assert {task.state for task in first.tasks.values()} == {TaskState.SUCCEEDED}
    assert facts(first, "LiveModel", "model")["live"] == 0
    assert facts(first, "CanaryRollout", "report")["outcome"] == "first_version"
    assert facts(first, "BlessingCheck", "blessing")["blessed"] == 1
    assert cluster.model.desired().labels == {Label.STABLE: 1}
    observed = cluster.model.observed()
    assert observed is not None
    assert observed.gateway_address is not None
    trip = json.loads((cluster.bucket / "data/held-back/trips.jsonl").read_text().splitlines()[0])
    with ModelServerClient(observed.gateway_address, timeout_s=30) as client:
        answer = client.predict("taxi", {"instances": [trip]})
    assert answer.ok, answer.error
    assert 0 <= answer.body["predictions"][0] <= 1


def test_a_model_that_nobody_blesses_is_not_pushed_and_what_was_live_stays(first, cluster):
    """One step of training makes a model below the Evaluator's thresholds."""
    result = cluster.run(compile_pipeline.compiled_file(), span="2", train_args='{"num_steps": 1}').require_success()
    assert facts(result, "LiveModel", "model")["pushed_version"] == "1"
    assert facts(result, "Evaluator", "blessing")["blessed"] == 0
    assert facts(result, "VersionedPusher", "pushed_model")["pushed"] == 0
    assert facts(result, "CanaryRollout", "report")["passed"] == 0
    assert facts(result, "BlessingCheck", "blessing")["blessed"] == 0
    assert cluster.model.versions() == [1]
    assert cluster.model.desired().labels == {Label.STABLE: 1}


def test_a_push_under_a_condition_is_skipped_where_nothing_is_live_and_done_where_something_is(guarded, cluster, tmp_path):
    (tmp_path / "empty").mkdir()
    # Here with an interpreter of its own for each task, as a pod has it.
    elsewhere = Cluster(cluster.bucket, tmp_path / "empty", SubprocessLauncher())
    skipped = elsewhere.run(guarded).require_success()
    assert skipped.tasks["VersionedPusher"].state is TaskState.SKIPPED
    assert "metadata['blessed'] == 1" in skipped.tasks["VersionedPusher"].reason
    assert elsewhere.model.versions() == []
    pushed = cluster.run(guarded).require_success()
    assert facts(pushed, "VersionedPusher", "pushed_model")["pushed"] == 1
    assert facts(pushed, "VersionedPusher", "pushed_model")["pushed_version"] == "1", "the same content is the same version"
