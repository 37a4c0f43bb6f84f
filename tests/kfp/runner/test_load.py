"""What a cluster refuses is refused here, before anything runs, with every fault at once."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from tfx_rollout.errors import InvalidInput, InvalidPlan, NotFound
from tfx_rollout.kfp.ir import dump
from tfx_rollout.kfp.runner.load import load_pipeline
from tfx_rollout.kfp.runner.locations import Locations

pytestmark = pytest.mark.integration
NOWHERE = Locations({})


def refused(documents, locations: Locations = NOWHERE) -> str:
    with pytest.raises(InvalidPlan) as fault:
        load_pipeline(documents, locations)
    return str(fault.value)


def test_a_sound_pipeline_is_loaded_from_documents_a_text_and_a_file(ir, tmp_path: Path):
    documents = ir.add("a").documents()
    file = tmp_path / "small.yaml"
    file.write_text(dump(documents))
    for form in (documents, dump(documents), file, str(file)):
        pipeline = load_pipeline(form, NOWHERE)
        assert pipeline.name == "small"
        assert pipeline.executor(pipeline.component(pipeline.root["dag"]["tasks"]["a"]))["container"]["image"] == "image"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("just: [some\n", "it is no YAML in line"),
        ("- a\n- b\n", "no mapping such as a compiled pipeline is"),
        ("apiVersion: v1\nkind: Pod\n", "no compiled pipeline of KFP v2"),
        ("pipelineSpec: {}\nruntimeConfig: {}\n", "a PipelineJob, which Vertex takes"),
    ],
)
def test_what_is_no_compiled_pipeline_is_told_so_in_one_sentence(text, said):
    message = refused(text)
    assert said in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path):
    (tmp_path / "other.yaml").write_text("{}")
    with pytest.raises(NotFound, match=r"no compiled pipeline taxi.yaml .*; known: other.yaml"):
        load_pipeline(tmp_path / "taxi.yaml", NOWHERE)


def test_the_schema_of_vertex_is_refused(ir):
    assert "schemaVersion: it is '2.0.0', and open-source KFP takes 2.1.0 alone" in refused(
        ir.add("a").documents(schemaVersion="2.0.0")
    )


def test_every_fault_is_told_at_once(ir):
    ir.add("a", after=["b"]).add("b", after=["a"]).add("resolve").add("hook").add("gone").add("job").add("lost", after=["none"])
    ir.executors["resolve"] = {"resolver": {}}
    ir.executors["hook"]["container"]["lifecycle"] = {"preCacheCheck": {"command": ["x"]}}
    ir.components["gone"]["executorLabel"] = "not-there"
    ir.executors["job"] = {"customJob": {"customJob": {}}}
    message = refused(ir.documents(pipelineInfo={"name": "Not A Name"}))
    for said in (
        "'Not A Name' is no name",
        "resolve: it is a Resolver",
        "hook: its container has a lifecycle hook",
        "gone: its executor 'not-there' is not there",
        "job: its executor is a customJob",
        "lost: it takes something from the task 'none', which is not there",
        "a: it waits for itself by way of a, b",
    ):
        assert said in message


def test_a_field_that_nobody_knows_is_refused(ir):
    ir.add("a").tasks["a"]["retries"] = 3
    assert 'no field named "retries"' in refused(ir.documents())


def test_what_the_workflow_compiler_refuses_is_refused(ir):
    ir.add("importer", triggerPolicy={"condition": "true"})
    ir.executors["importer"] = {
        "importer": {"artifactUri": {"constant": "gs://b/m"}, "typeSchema": {"schemaTitle": "system.Model"}}
    }
    ir.add("a")
    ir.add("inner")
    ir.components["inner"] = {
        "dag": {
            "tasks": {
                "exit": {"componentRef": {"name": "a"}, "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}},
            }
        }
    }
    ir.executors["a"]["container"]["args"] = ['{"Concat": ["a", "b"]}']
    message = refused(ir.documents())
    assert "importer: it is an importer with a condition" in message
    assert "inner: it has exit handlers alone" in message
    assert "a: its command has a dsl.ConcatPlaceholder" in message


def test_a_dag_within_itself_is_refused(ir):
    ir.add("outer")
    ir.components["outer"] = {"dag": {"tasks": {"again": {"componentRef": {"name": "outer"}}}}}
    assert "outer: it is a part of itself" in refused(ir.documents())


def test_loops_that_no_cluster_runs_are_refused(ir):
    ir.add("over-artifacts", artifactIterator={"itemInput": "x", "items": {"inputArtifact": "y"}})
    ir.add("over-a-container", parameterIterator={"itemInput": "x", "items": {"raw": "[1]"}})
    message = refused(ir.documents())
    assert "over-artifacts: it loops over artifacts" in message
    assert "over-a-container: it is a loop whose body is no DAG" in message


def test_a_volume_needs_a_folder_here(ir, tmp_path):
    ir.add("push").add("canary")
    claim = {"pvcMount": [{"mountPath": "/srv/models", "constant": "serving-root"}]}
    ir.platform = {
        "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"push": claim, "canary": copy.deepcopy(claim)}}}}
    }
    documents = ir.documents()
    assert refused(documents) == (
        "the compiled pipeline small.yaml is not valid: push, canary: a volume claim is mounted at /srv/models, "
        "which is not mapped; give mounts={'/srv/models': FOLDER}"
    )
    assert load_pipeline(documents, Locations({"/srv": tmp_path}))


def test_findings_about_good_style_do_not_keep_a_pipeline_from_running(ir):
    ir.add("push")
    ir.executors["push"]["container"].update(command=["tfx-rollout", "push"], args=["{{$.pipeline_job_uuid}}"])
    ir.tasks["push"]["cachingOptions"] = {"enableCache": True}
    assert load_pipeline(ir.documents(), NOWHERE)


@pytest.mark.parametrize("options", [{"mode": "docker"}, {"preload": ["json"]}])
def test_a_mode_that_is_none_is_refused_before_anything_is_made(run, ir, tmp_path, options):
    with pytest.raises(InvalidInput):
        run(ir.add("a"), **options)
    assert not (tmp_path / "root").exists()


def test_nothing_is_made_for_parameters_that_are_wrong(run, ir, tmp_path):
    ir.add("a").parameters["n"] = {"parameterType": "NUMBER_INTEGER"}
    with pytest.raises(InvalidPlan, match="n: it has no default and is not optional; give it a number"):
        run(ir)
    with pytest.raises(InvalidPlan, match="n: it is a string; give it a number"):
        run(ir, parameters={"n": "5"})
    assert not (tmp_path / "root").exists()


def test_a_root_in_no_folder_is_refused(run, ir):
    with pytest.raises(InvalidPlan, match="'gs://bucket/root' is not on this machine"):
        run(ir.add("a"), pipeline_root="gs://bucket/root")
    with pytest.raises(InvalidPlan, match="the pipeline root is not valid: '' is not on this machine"):
        run(yaml.safe_dump(ir.documents().pipeline), pipeline_root=None)
