"""TFX pipelines compile to what open-source KFP takes, and what it does not take is refused with the node and the mend.

Where a remedy is left out, the same check finds the fault: that is what the remedies are for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

import tfx_rollout
from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import ENTRYPOINT, STEPS, Documents, KubeflowSettings, lint, load, tasks_of

pytestmark = pytest.mark.integration

SERVING = {"root": "/srv/models", "model": "taxi"}
SETTINGS = KubeflowSettings.read({"image": "registry/tfx-rollout:1", "pipeline_root": "gs://b/root"})


def pipeline_of(*nodes: Any, enable_cache: bool = False) -> Any:
    from tfx import v1 as tfx

    return tfx.dsl.Pipeline(pipeline_name="taxi", pipeline_root="gs://b/root", components=list(nodes), enable_cache=enable_cache)


def model_node() -> Any:
    from tfx import v1 as tfx

    return tfx.dsl.Importer(source_uri="gs://b/model", artifact_type=tfx.types.standard_artifacts.Model).with_id("Trainer")


def pusher_of(model: Any, serving: Any = SERVING, **more: Any) -> Any:
    return tfx_rollout.VersionedPusher(
        model=model.outputs["result"], destination=serving, run_id=tfx_rollout.KUBEFLOW_RUN_ID, **more
    )


def deployment(serving: Any = SERVING) -> tuple[Any, Any]:
    """A model and its pusher, made anew: TFX's components belong to the first pipeline that they are in."""
    model = model_node()
    return model, pusher_of(model, serving)


def runtime_parameter(name: str, default: Any = None, kind: type = str) -> Any:
    from tfx.orchestration.data_types import RuntimeParameter

    return RuntimeParameter(name=name, ptype=kind, default=default)


def compiled(*nodes: Any, settings: KubeflowSettings = SETTINGS, without: str = "", enable_cache: bool = False) -> Documents:
    from tfx_rollout.tfx.kubeflow.compile import compiled_documents

    steps = [step for step in STEPS if step.__name__ != without]
    return compiled_documents(pipeline_of(*nodes, enable_cache=enable_cache), settings, steps)


def refused(*nodes: Any, path: Path) -> str:
    from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

    with pytest.raises(InvalidPlan) as told:
        compile_for_kubeflow(pipeline_of(*nodes), SETTINGS, path)
    assert not path.exists(), "nothing is written"
    return str(told.value)


def broken(documents: Documents) -> set[str]:
    return {finding.rule for finding in lint(documents)}


def test_a_pipeline_compiles_to_a_file_without_a_finding(tmp_path: Path):
    from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

    path = compile_for_kubeflow(pipeline_of(*deployment()), SETTINGS, tmp_path / "taxi.yaml")
    assert lint(load(path)) == ()


def test_tfx_on_its_own_compiles_a_schema_that_kfp_refuses(tmp_path: Path):
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow

    config = kubeflow.KubeflowV2DagRunnerConfig(default_image="image")
    runner = kubeflow.KubeflowV2DagRunner(config=config, output_dir=str(tmp_path), output_filename="taxi.yaml")
    runner.run(pipeline_of(*deployment()))
    found = broken(load(tmp_path / "taxi.yaml"))
    assert {"schema-version", "legacy-parameter", "inputs-spec", "pipeline-root", "entrypoint"} <= found
    assert compiled(*deployment()).pipeline["schemaVersion"] == "2.1.0"


def test_tfx_on_its_own_writes_a_pipeline_job_to_a_file_that_is_no_yaml_and_we_refuse_to(tmp_path: Path):
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow

    from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

    config = kubeflow.KubeflowV2DagRunnerConfig(default_image="image", use_pipeline_spec_2_1=True)
    kubeflow.KubeflowV2DagRunner(config=config, output_dir=str(tmp_path), output_filename="t.json").run(
        pipeline_of(*deployment())
    )
    with pytest.raises(InvalidPlan, match="PipelineJob"):
        load(tmp_path / "t.json")
    with pytest.raises(InvalidPlan, match=r"must end in \.yaml"):
        compile_for_kubeflow(pipeline_of(*deployment()), SETTINGS, tmp_path / "taxi.json")


def test_the_root_and_the_defaults_of_parameters_are_written_down():
    documents = compiled(*deployment(runtime_parameter("serving", json.dumps(SERVING))))
    assert documents.pipeline["defaultPipelineRoot"] == "gs://b/root"
    assert documents.pipeline["root"]["inputDefinitions"]["parameters"]["serving"]["defaultValue"] == json.dumps(SERVING)
    assert broken(documents) == set()


@pytest.mark.parametrize(("step", "rule"), [("default_pipeline_root", "pipeline-root"), ("parameter_defaults", "root-input")])
def test_without_their_step_they_are_lost(step: str, rule: str):
    assert broken(compiled(*deployment(runtime_parameter("serving", json.dumps(SERVING))), without=step)) == {rule}


def test_settings_win_over_the_defaults_in_the_code_and_a_parameter_without_any_is_found():
    settings = SETTINGS.model_copy(update={"parameters": {"serving": "theirs"}})
    documents = compiled(*deployment(runtime_parameter("serving", "ours")), settings=settings)
    assert documents.pipeline["root"]["inputDefinitions"]["parameters"]["serving"]["defaultValue"] == "theirs"
    assert broken(compiled(*deployment(runtime_parameter("serving")))) == {"root-input"}


def test_two_defaults_of_one_parameter_are_refused(tmp_path: Path):
    model = model_node()
    one, other = runtime_parameter("serving", "one"), runtime_parameter("serving", "other")
    said = refused(model, pusher_of(model, one), pusher_of(model, other).with_id("Again"), path=tmp_path / "x.yaml")
    assert "serving: it has the default" in said


def test_a_resolver_is_refused_by_its_name_and_live_model_takes_its_place(tmp_path: Path):
    from tfx import v1 as tfx
    from tfx.types import Channel
    from tfx.types import standard_artifacts as standard

    model = model_node()
    resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=Channel(type=standard.Model),
        model_blessing=Channel(type=standard.ModelBlessing),
    ).with_id("Baseline")
    said = refused(model, resolver, path=tmp_path / "x.yaml")
    assert "Baseline-model-resolver: it is a Resolver" in said
    assert "LiveModel" in said
    model = model_node()
    live = tfx_rollout.LiveModel(serving=SERVING, fallback=model.outputs["result"], run_id=tfx_rollout.KUBEFLOW_RUN_ID)
    assert broken(compiled(model, live)) == set()


def test_a_live_model_without_a_fallback_is_found():
    assert broken(compiled(tfx_rollout.LiveModel(serving=SERVING, run_id=tfx_rollout.KUBEFLOW_RUN_ID))) == {"live-model"}


def test_the_stock_infra_validator_is_refused_and_ours_compiles(tmp_path: Path):
    from tfx import v1 as tfx
    from tfx.proto import infra_validator_pb2

    model = model_node()
    serving = infra_validator_pb2.ServingSpec(tensorflow_serving=infra_validator_pb2.TensorFlowServing(tags=["latest"]))
    stock = tfx.components.InfraValidator(model=model.outputs["result"], serving_spec=serving)
    said = refused(model, stock, path=tmp_path / "x.yaml")
    assert "InfraValidator" in said
    assert "tfx_rollout.InfraValidator" in said
    model = model_node()
    ours = tfx_rollout.InfraValidator(model=model.outputs["result"], serving=SERVING, run_id=tfx_rollout.KUBEFLOW_RUN_ID)
    assert broken(compiled(model, ours)) == set()


def test_the_drivers_hook_goes_and_without_the_step_it_is_found(tmp_path: Path):
    from tfx.components import CsvExampleGen

    assert broken(compiled(CsvExampleGen(input_base="gs://b/data"))) == set()
    assert broken(compiled(CsvExampleGen(input_base="gs://b/data"), without="without_lifecycle")) == {"lifecycle"}


def component_with(output: type | None = None, **parameters: Any) -> Any:
    """A component that has these parameters (kind and value), and perhaps an output of this artifact type."""
    from tfx.dsl.components.base import base_component, executor_spec
    from tfx.types import Channel, ComponentSpec
    from tfx.types.component_spec import ChannelParameter, ExecutionParameter

    from tfx_rollout.tfx.versioned_pusher import Executor

    kinds = {name: ExecutionParameter(type=kind) for name, (kind, _) in parameters.items()}
    outputs = {} if output is None else {"out": ChannelParameter(type=output)}
    spec = type("Spec", (ComponentSpec,), {"PARAMETERS": kinds, "INPUTS": {}, "OUTPUTS": outputs})
    members = {"SPEC_CLASS": spec, "EXECUTOR_SPEC": executor_spec.ExecutorClassSpec(Executor)}
    made = type("Given", (base_component.BaseComponent,), members)
    channels = {name: Channel(type=output) for name in outputs}
    return made(spec=spec(**{name: value for name, (_, value) in parameters.items()}, **channels))


def artifact_type(name: str, properties: Any = None) -> Any:
    from tfx.types import artifact

    return type("Made", (artifact.Artifact,), {"TYPE_NAME": name, "PROPERTIES": properties})


def test_an_artifact_type_of_another_form_than_ours_is_refused(tmp_path: Path):
    from tfx.types.artifact import Property, PropertyType

    from tfx_rollout.tfx.artifacts import RolloutReport

    wrong_name = refused(component_with(artifact_type("a.b.Report")), path=tmp_path / "x.yaml")
    assert "a.b.Report" in wrong_name
    with_properties = refused(
        component_with(artifact_type("demo.Report", {"version": Property(type=PropertyType.INT)})), path=tmp_path / "x.yaml"
    )
    assert "version" in with_properties
    assert broken(compiled(component_with(RolloutReport))) == set()


def test_parameters_of_ours_are_json_texts_whatever_they_were_given_as():
    constants = []
    for serving in (SERVING, json.dumps(SERVING, sort_keys=True)):
        tasks = {task.name: task.spec for task in tasks_of(compiled(*deployment(serving)).pipeline)}
        constants.append(tasks["VersionedPusher"]["inputs"]["parameters"]["destination"]["runtimeValue"]["constant"])
    assert constants[0] == constants[1]
    assert json.loads(constants[0]) == SERVING


def test_as_a_proto_a_parameter_of_ours_would_not_compile(tmp_path: Path):
    from tfx import types
    from tfx.dsl.components.base import base_component
    from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
    from tfx.proto import pusher_pb2
    from tfx.types import component_spec, standard_artifacts

    from tfx_rollout.tfx.versioned_pusher import Executor

    class ProtoSpec(types.ComponentSpec):
        PARAMETERS: ClassVar = {"destination": component_spec.ExecutionParameter(type=pusher_pb2.PushDestination, use_proto=True)}
        INPUTS: ClassVar = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}
        OUTPUTS: ClassVar = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}

    class ProtoPusher(base_component.BaseComponent):
        SPEC_CLASS = ProtoSpec
        EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    destination = pusher_pb2.PushDestination(filesystem={"base_directory": "/srv/models"})
    model = model_node()
    pushed = types.Channel(type=standard_artifacts.PushedModel)
    pusher = ProtoPusher(ProtoSpec(model=model.outputs["result"], destination=destination, pushed_model=pushed))
    assert "TFX's compiler refuses it" in refused(model, pusher, path=tmp_path / "taxi.yaml")


def test_a_deployment_is_never_cached_and_without_the_step_it_would_be():
    assert broken(compiled(*deployment(), enable_cache=True)) == set()
    assert broken(compiled(*deployment(), enable_cache=True, without="deployment_uncached")) == {"caching"}


def test_every_tfx_task_runs_our_entrypoint_and_without_the_step_it_is_found():
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow

    containers = [task.container for task in tasks_of(compiled(*deployment()).pipeline) if task.container]
    assert [tuple(container["command"]) for container in containers] == [ENTRYPOINT]
    config = kubeflow.KubeflowV2DagRunnerConfig(default_image="image", use_pipeline_spec_2_1=True)
    spec = kubeflow.KubeflowV2DagRunner(config=config).run(pipeline_of(*deployment()), write_out=False)["pipelineSpec"]
    assert "entrypoint" in broken(Documents({**spec, "defaultPipelineRoot": "gs://b/root"}))


def test_a_parameter_from_another_task_names_the_task_and_without_the_step_nobody():
    from tfx.types import standard_artifacts as standard

    def nodes() -> tuple[Any, Any]:
        count = component_with(standard.Integer).with_id("Count")
        return count, component_with(rows=(int, count.outputs["out"].future()[0].value)).with_id("Use")

    documents = compiled(*nodes())
    assert broken(documents) == set()
    use = next(task for task in tasks_of(documents.pipeline) if task.name == "Use")
    assert use.spec["inputs"]["parameters"]["rows"]["taskOutputParameter"]["producerTask"] == "Count"
    assert use.waits_for == ("Count",)
    assert broken(compiled(*nodes(), without="producers_by_name")) == {"producer"}


def evaluated(condition: str, metadata: dict[str, Any]) -> bool:
    """The condition as KFP's driver evaluates it: CEL over the executor's input."""
    import celpy
    from celpy import json_to_cel

    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    key = condition.split("'")[1]
    inputs = {"artifacts": {key: {"artifacts": [{"metadata": metadata}]}}}
    return bool(program.evaluate({"inputs": json_to_cel(inputs)}))


def test_a_condition_on_our_outputs_can_be_evaluated_since_they_always_say_yes_or_no():
    import celpy
    from tfx.dsl.experimental.conditionals import conditional

    model = model_node()
    pusher = pusher_of(model)
    with conditional.Cond(pusher.outputs["pushed_model"].future()[0].custom_property("pushed") == 1):
        canary = tfx_rollout.CanaryRollout(
            pushed_model=pusher.outputs["pushed_model"], serving=SERVING, plan="demo", run_id=tfx_rollout.KUBEFLOW_RUN_ID
        )
    documents = compiled(model, pusher, canary)
    assert broken(documents) == set()
    condition = next(task for task in tasks_of(documents.pipeline) if task.name == "CanaryRollout").spec["triggerPolicy"][
        "condition"
    ]
    assert evaluated(condition, {"pushed": 1.0}) is True
    assert evaluated(condition, {"pushed": 0.0}) is False
    with pytest.raises(celpy.CELEvalError):
        evaluated(condition, {})


def test_mounts_secrets_retries_and_resources_go_where_kfp_reads_them(tmp_path: Path):
    from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

    settings = KubeflowSettings.read(
        {
            "image": "registry/tfx-rollout:1",
            "pipeline_root": "s3://b/root",
            "retries": {"most": 3},
            "resources": {"cpu": 1, "memory_gb": 2},
            "mounts": [{"claim": "serving-root", "path": "/srv/models", "tasks": "deployment"}],
            "secrets": [{"secret": "bucket-key", "keys": {"secretkey": "AWS_SECRET_ACCESS_KEY"}}],
        }
    )
    documents = load(compile_for_kubeflow(pipeline_of(*deployment()), settings, tmp_path / "taxi.yaml"))
    assert documents.platform is not None
    pod = documents.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["VersionedPusher_executor"]
    assert pod["pvcMount"][0]["mountPath"] == "/srv/models"
    assert pod["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "secretkey", "envVar": "AWS_SECRET_ACCESS_KEY"}]
    pusher = next(task for task in tasks_of(documents.pipeline) if task.name == "VersionedPusher")
    assert pusher.spec["retryPolicy"]["maxRetryCount"] == 3
    assert pusher.container["resources"] == {"cpuLimit": 1.0, "memoryLimit": 2.0}
