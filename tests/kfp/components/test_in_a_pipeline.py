"""A component of ours between others: its outputs decide what runs."""

from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.kfp.runner import PipelineResult, TaskState, run_pipeline
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Cause, Label, Split

pytestmark = pytest.mark.integration


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs a pipeline that asks what is live, and goes on only where something is."""
    from kfp import compiler, dsl, kubernetes

    from tfx_rollout.kfp.components import live_model

    @dsl.container_component
    def train(digest: str) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image="python", command=["python", "-c", "import sys; print(sys.argv[1])"], args=[digest])

    @dsl.pipeline(name="since-live")
    def pipeline() -> None:
        live = live_model(root="/srv/models", model_name="m", run=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
        kubernetes.mount_pvc(live, pvc_name="models", mount_path="/srv/models")
        live.set_caching_options(False)
        with dsl.If(live.outputs["live"] == True, name="something-is-live"):  # noqa: E712 (an expression of kfp)
            train(digest=live.outputs["digest"])

    compiler.Compiler().compile(pipeline, str(tmp_path / "since-live.yaml"))
    (tmp_path / "models").mkdir()

    def run() -> PipelineResult:
        return run_pipeline(
            tmp_path / "since-live.yaml",
            pipeline_root=tmp_path / "artifacts",
            mounts={"/srv/models": tmp_path / "models"},
            tell=lambda line: None,
        ).require_success()

    return run


def test_the_live_model_is_asked_before_anything_was_pushed_and_when_something_is_live(run, tmp_path):
    first = run()
    assert first.task("live-model").parameters["live"] is False
    assert first.task("condition-1").state is TaskState.SKIPPED

    base = ModelStore(tmp_path / "models").model("m")
    model = tmp_path / "model"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"a graph")
    published = base.publish(model)
    before = base.desired()
    live = before.change(versions=(1,), labels={Label.STABLE: 1}, split=Split(), cause=Cause("test", "a test", 0.0))
    base.write_desired(live, expected=before.generation)
    second = run()
    found = second.task("live-model").parameters
    assert (found["live"], found["version"], found["digest"]) == (True, 1, published.digest)
    assert second.task("train").state is TaskState.SUCCEEDED
