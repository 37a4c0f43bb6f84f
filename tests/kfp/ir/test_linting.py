"""Each thing that open-source KFP refuses or drops is found, with its node and the mend; and a finished pipeline has none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import Documents, lint, refuse
from tfx_rollout.kfp.ir.dag_rules import DAG_RULES
from tfx_rollout.kfp.ir.executor_rules import EXECUTOR_RULES
from tfx_rollout.kfp.ir.flow_rules import FLOW_RULES
from tfx_rollout.kfp.ir.pipeline_rules import PIPELINE_RULES

WITHOUT_KFP = (*PIPELINE_RULES, *EXECUTOR_RULES, *FLOW_RULES, *DAG_RULES)
"""The rules that need no messages of kfp, whose import takes seconds."""

Change = Callable[[dict[str, Any]], object]


def task(pipeline: dict[str, Any], name: str) -> dict[str, Any]:
    return pipeline["root"]["dag"]["tasks"][name]


def executor(pipeline: dict[str, Any], name: str) -> dict[str, Any]:
    return pipeline["deploymentSpec"]["executors"][f"{name}_executor"]


def artifact(pipeline: dict[str, Any], schema: dict[str, str]) -> None:
    pipeline["components"]["Trainer"]["outputDefinitions"]["artifacts"]["model"]["artifactType"] = schema


def add_importer(pipeline: dict[str, Any]) -> None:
    kind = {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"}
    pipeline["components"]["Given"] = {
        "executorLabel": "Given_executor",
        "outputDefinitions": {"artifacts": {"artifact": {"artifactType": kind}}},
    }
    pipeline["deploymentSpec"]["executors"]["Given_executor"] = {
        "importer": {"artifactUri": {"constant": "gs://b/m"}, "typeSchema": kind}
    }
    pipeline["root"]["dag"]["tasks"]["Given"] = {"componentRef": {"name": "Given"}, "taskInfo": {"name": "Given"}}


def live_model_without_fallback(pipeline: dict[str, Any]) -> None:
    args = executor(pipeline, "VersionedPusher")["container"]["args"]
    args[args.index("--executor_class_path") + 1] = "tfx_rollout.tfx.live_model.Executor"


def conditional_importer(pipeline: dict[str, Any]) -> None:
    add_importer(pipeline)
    task(pipeline, "Given")["triggerPolicy"] = {"condition": "1 == 1"}


def a_part_of_itself(pipeline: dict[str, Any]) -> None:
    inner = {"componentRef": {"name": "tfx-dag"}, "taskInfo": {"name": "again"}}
    pipeline["components"]["tfx-dag"] = {"dag": {"tasks": {"again": inner}}}


FAULTS: list[tuple[str, str, str, Change]] = [
    ("schema-version", "schemaVersion", "use_pipeline_spec_2_1", lambda p: p.update(schemaVersion="2.0.0")),
    ("schema-version", "schemaVersion", "use_pipeline_spec_2_1", lambda p: p.pop("schemaVersion")),
    ("pipeline-name", "pipelineInfo.name", "lower-case", lambda p: p["pipelineInfo"].update(name="My Taxi")),
    ("pipeline-name", "pipelineInfo.name", "lower-case", lambda p: p["pipelineInfo"].update(name="")),
    ("pipeline-name", "pipelineInfo.name", "at most 128", lambda p: p["pipelineInfo"].update(name="t" * 129)),
    ("pipeline-root", "defaultPipelineRoot", "pipeline_root", lambda p: p.pop("defaultPipelineRoot")),
    ("pipeline-root", "defaultPipelineRoot", "s3://", lambda p: p.update(defaultPipelineRoot="minio://b/x")),
    ("pipeline-root", "defaultPipelineRoot", "gs://BUCKET", lambda p: p.update(defaultPipelineRoot="/data/me")),
    (
        "root-input",
        "parameter span",
        "default",
        lambda p: p["root"]["inputDefinitions"]["parameters"]["span"].pop("defaultValue"),
    ),
    ("root-input", "parameter span", "ptype", lambda p: p["root"]["inputDefinitions"]["parameters"]["span"].pop("parameterType")),
    ("no-tasks", "root.dag.tasks", "components", lambda p: p["root"]["dag"].update(tasks={})),
    ("resolver", "Trainer", "LiveModel", lambda p: p["deploymentSpec"]["executors"].update(Trainer_executor={"resolver": {}})),
    ("executor", "Trainer", "containers and importers", lambda p: p["deploymentSpec"]["executors"].pop("Trainer_executor")),
    ("executor", "Trainer", "customJob", lambda p: p["deploymentSpec"]["executors"].update(Trainer_executor={"customJob": {}})),
    ("component", "Trainer", "compile", lambda p: task(p, "Trainer")["componentRef"].update(name="Nobody")),
    (
        "task-name",
        "my_task",
        "with_id",
        lambda p: p["root"]["dag"]["tasks"].update(my_task=copy.deepcopy(task(p, "CsvExampleGen"))),
    ),
    ("live-model", "VersionedPusher", "fallback=", live_model_without_fallback),
    (
        "lifecycle",
        "Trainer",
        "entrypoint",
        lambda p: executor(p, "Trainer")["container"].update(lifecycle={"preCacheCheck": {}, "x": 1}),
    ),
    ("image", "Trainer", "image", lambda p: executor(p, "Trainer")["container"].update(image="")),
    ("image", "Trainer", "image", lambda p: executor(p, "Trainer")["container"].pop("image")),
    ("entrypoint", "Trainer", "tfx_rollout.tfx.kubeflow", lambda p: executor(p, "Trainer")["container"].pop("command")),
    (
        "inputs-spec",
        "Trainer",
        "use_pipeline_spec_2_1",
        lambda p: executor(p, "Trainer")["container"]["args"].__delitem__(slice(4, 6)),
    ),
    (
        "caching",
        "VersionedPusher",
        "enable_cache",
        lambda p: task(p, "VersionedPusher").update(cachingOptions={"enableCache": True}),
    ),
    (
        "legacy-parameter",
        "Trainer parameter steps",
        "2_1",
        lambda p: p["components"]["Trainer"]["inputDefinitions"]["parameters"].update(steps={"type": "INT"}),
    ),
    (
        "legacy-parameter",
        "Trainer parameter steps",
        "2_1",
        lambda p: task(p, "Trainer")["inputs"]["parameters"]["steps"].update(runtimeValue={"constantValue": {"intValue": "5"}}),
    ),
    ("iterator", "Trainer", "parameter", lambda p: task(p, "Trainer").update(artifactIterator={"itemInput": "x"})),
    (
        "placeholder",
        "Trainer",
        "uri or path",
        lambda p: executor(p, "Trainer")["container"]["args"].append("{{$.inputs.artifacts['model'].value}}"),
    ),
    (
        "producer",
        "Trainer",
        "finish",
        lambda p: task(p, "Trainer")["inputs"]["parameters"]["rows"]["taskOutputParameter"].update(
            producerTask="CsvExampleGen_task"
        ),
    ),
    ("producer", "Trainer", "anew", lambda p: task(p, "Trainer")["dependentTasks"].append("Nobody")),
    ("dependency", "VersionedPusher", "finish", lambda p: task(p, "VersionedPusher").pop("dependentTasks")),
    ("parameter", "CsvExampleGen parameter range_config", "anew", lambda p: p["root"].pop("inputDefinitions")),
    ("cycle", "CsvExampleGen", "CsvExampleGen, Trainer", lambda p: task(p, "CsvExampleGen").update(dependentTasks=["Trainer"])),
    ("cycle", "Trainer", "take one", lambda p: task(p, "Trainer")["dependentTasks"].append("Trainer")),
    ("artifact-title", "Trainer artifact model", "TYPE_NAME", lambda p: artifact(p, {"instanceSchema": "title: a.b.Model\n"})),
    ("cycle", "tfx-dag", "take that part out", a_part_of_itself),
    ("conditional-importer", "Given", "the tasks that use it", conditional_importer),
    ("loop", "Trainer", "ParallelFor", lambda p: task(p, "Trainer").update(parameterIterator={"itemInput": "x"})),
    ("concat", "Trainer", "f-string", lambda p: executor(p, "Trainer")["container"]["args"].append('{"Concat": ["a", "b"]}')),
    (
        "exit-only",
        "root",
        "a task that they can follow",
        lambda p: [
            t.update(triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}) for t in p["root"]["dag"]["tasks"].values()
        ],
    ),
    ("artifact-title", "Trainer artifact model", "TYPE_NAME", lambda p: artifact(p, {"schemaTitle": "Model"})),
    ("artifact-title", "Trainer artifact model", "TYPE_NAME", lambda p: artifact(p, {"instanceSchema": "title: [broken"})),
]


@pytest.mark.parametrize(("rule", "node", "mend", "change"), FAULTS, ids=[f"{f[0]}-{i}" for i, f in enumerate(FAULTS)])
def test_a_fault_is_found_alone_with_its_node_and_mend(finished: Documents, rule: str, node: str, mend: str, change: Change):
    assert lint(finished, WITHOUT_KFP) == ()
    change(finished.pipeline)
    findings = lint(finished, WITHOUT_KFP)
    assert {finding.rule for finding in findings} == {rule}
    assert findings[0].node == node
    assert mend in str(findings[0])


def test_every_rule_is_shown_to_find_something():
    assert len({rule for rule, *_ in FAULTS}) >= len(WITHOUT_KFP) - 1


def test_all_faults_are_told_at_once(finished: Documents):
    finished.pipeline["schemaVersion"] = "2.0.0"
    executor(finished.pipeline, "Trainer")["container"]["image"] = ""
    task(finished.pipeline, "VersionedPusher")["cachingOptions"] = {"enableCache": True}
    with pytest.raises(InvalidPlan) as told:
        refuse(finished, WITHOUT_KFP)
    assert len(told.value.faults) == 3
    assert str(told.value).count("\n") == 0


def test_an_importer_of_a_kfp_type_is_no_fault(finished: Documents):
    add_importer(finished.pipeline)
    assert lint(finished, WITHOUT_KFP) == ()


def test_a_task_in_an_inner_dag_is_named_with_its_dag(finished: Documents):
    pipeline = finished.pipeline
    inner = pipeline["root"]["dag"]["tasks"].pop("VersionedPusher")
    inner["dependentTasks"] = ["Nobody"]
    inner["inputs"] = {}
    pipeline["components"]["tfx-dag"] = {"dag": {"tasks": {"VersionedPusher": inner}}}
    pipeline["root"]["dag"]["tasks"]["tfx-dag"] = {"componentRef": {"name": "tfx-dag"}, "taskInfo": {"name": "tfx-dag"}}
    assert [finding.node for finding in lint(finished, WITHOUT_KFP)] == ["tfx-dag/VersionedPusher"]


def test_a_pipeline_without_tfx_tasks_may_leave_the_root_to_kfp(finished: Documents):
    pipeline = finished.pipeline
    for each in pipeline["deploymentSpec"]["executors"].values():
        each["container"].update(command=["sh"], args=["-c", "true"])
    del pipeline["defaultPipelineRoot"]
    assert lint(finished, WITHOUT_KFP) == ()


def test_the_stock_pusher_and_plain_components_must_not_be_cached_either(finished: Documents):
    pipeline = finished.pipeline
    args = executor(pipeline, "VersionedPusher")["container"]["args"]
    args[1] = "tfx.components.pusher.executor.Executor"
    executor(pipeline, "Trainer")["container"] = {"image": "slim", "command": ["tfx-rollout", "push"], "args": ["--model", "x"]}
    for name in ("VersionedPusher", "Trainer", "CsvExampleGen"):
        task(pipeline, name)["cachingOptions"] = {"enableCache": True}
    found = [(finding.rule, finding.node) for finding in lint(finished, WITHOUT_KFP)]
    assert sorted(found) == [("caching", "Trainer"), ("caching", "VersionedPusher")]
