"""Every component compiles for Kubeflow Pipelines v2, and runs under TFX's local runner whatever the cache holds."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import yaml

import tfx_rollout

pytestmark = pytest.mark.integration

EXECUTORS = {
    "InfraValidator": "tfx_rollout.tfx.infra_validator.Executor",
    "VersionedPusher": "tfx_rollout.tfx.versioned_pusher.Executor",
    "CanaryRollout": "tfx_rollout.tfx.canary_rollout.Executor",
    "BlessingCheck": "tfx_rollout.tfx.blessing_check.Executor",
    "LiveModel": "tfx_rollout.tfx.live_model.Executor",
}
SERVING = {"root": "/srv/models", "model": "taxi"}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The whole stage, behind a Trainer and an ExampleGen, as open-source Kubeflow wants it."""
    from tfx import v1 as tfx
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow
    from tfx.types import standard_artifacts as standard

    run_id = tfx_rollout.KUBEFLOW_RUN_ID
    model = tfx.dsl.Importer(source_uri="gs://b/model", artifact_type=standard.Model).with_id("Trainer")
    examples = tfx.dsl.Importer(
        source_uri="gs://b/examples", artifact_type=standard.Examples, properties={"split_names": '["eval"]'}
    ).with_id("ExampleGen")
    live = tfx_rollout.LiveModel(serving=SERVING, fallback=model.outputs["result"], run_id=run_id)
    stage = tfx_rollout.deployment_stage(
        model=model.outputs["result"],
        examples=examples.outputs["result"],
        baseline=live.outputs["model"],
        serving=SERVING,
        plan="demo",
        run_id=run_id,
    )
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="taxi", pipeline_root="gs://b/root", components=[model, examples, live, *stage], enable_cache=True
    )
    path = tmp_path_factory.mktemp("compiled") / "taxi.yaml"
    config = kubeflow.KubeflowV2DagRunnerConfig(default_image="image", use_pipeline_spec_2_1=True)
    kubeflow.KubeflowV2DagRunner(config=config, output_dir=str(path.parent), output_filename=path.name).run(pipeline)
    return yaml.safe_load(path.read_text())


def test_all_five_compile_with_their_public_executor_paths(compiled):
    assert compiled["schemaVersion"] == "2.1.0"
    executors = compiled["deploymentSpec"]["executors"]
    found = {}
    for name in EXECUTORS:
        args = executors[f"{name}_executor"]["container"]["args"]
        found[name] = args[args.index("--executor_class_path") + 1]
    assert found == EXECUTORS


def test_every_executor_path_leads_to_a_class():
    for path in EXECUTORS.values():
        module, _, name = path.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), name), type)


def test_parameters_are_json_strings_and_the_run_id_is_kubeflows(compiled):
    for name in EXECUTORS:
        parameters = compiled["root"]["dag"]["tasks"][name]["inputs"]["parameters"]
        constants = {key: value["runtimeValue"]["constant"] for key, value in parameters.items()}
        assert constants["run_id"] == "{{$.pipeline_job_uuid}}"
        place = constants.get("serving") or constants["destination"]
        assert json.loads(place) == SERVING


def test_the_report_travels_under_its_importable_name(compiled):
    from tfx.utils import import_utils

    schema = compiled["components"]["CanaryRollout"]["outputDefinitions"]["artifacts"]["report"]["artifactType"]["instanceSchema"]
    title = yaml.safe_load(schema)["title"]
    assert title == "tfx_rollout.RolloutReport"
    assert import_utils.import_class_by_path(title) is tfx_rollout.RolloutReport


def test_none_of_ours_is_a_stock_component(compiled):
    from tfx import v1 as tfx

    stock = (tfx.components.InfraValidator, tfx.components.Pusher, tfx.components.Evaluator)
    assert not any(issubclass(getattr(tfx_rollout, name), stock) for name in EXECUTORS)


def test_the_local_runner_runs_them_each_time_and_without_a_baseline(tmp_path: Path, testdata: Path):
    """LiveModel gives nothing when nothing is live, and an optional input takes that. The cache answers for none of them."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx import v1 as tfx
    from tfx.orchestration import metadata
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.versioned_pusher import VersionedPusher

    serving = {"root": str(tmp_path / "serve"), "model": "penguin"}
    (tmp_path / "serve").mkdir()
    model = tfx.dsl.Importer(source_uri=str(testdata / "trainer/keras"), artifact_type=standard.Model).with_id("Trainer")
    live = tfx_rollout.LiveModel(serving=serving)
    pusher = VersionedPusher(model=model.outputs["result"], destination=serving, model_blessing=live.outputs["blessing"])
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    pipeline = tfx.dsl.Pipeline(
        pipeline_name="penguin",
        pipeline_root=str(tmp_path / "root"),
        metadata_connection_config=connection,
        components=[model, live, pusher],
        enable_cache=True,
    )
    for _ in range(2):
        tfx.orchestration.LocalDagRunner().run(pipeline)
    with metadata.Metadata(connection) as handle:
        executions = [
            execution
            for kind in handle.store.get_execution_types()
            if kind.name.endswith(("LiveModel", "VersionedPusher"))
            for execution in handle.store.get_executions_by_type(kind.name)
        ]
        states = [execution.last_known_state for execution in executions]
        pushed = handle.store.get_artifacts_by_type("PushedModel")
    assert states == [metadata_store_pb2.Execution.COMPLETE] * 4, "none may be CACHED"
    assert [p.custom_properties["pushed"].int_value for p in pushed] == [1, 1]
    assert [p.custom_properties["pushed_version"].string_value for p in pushed] == ["1", "1"]
    assert pushed[0].custom_properties["reason"].string_value == "no blessing is connected"
