"""A compiled pipeline is read from one or two documents, written alike each time, and what is none is told in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tfx_rollout.errors import InvalidPlan, NotFound, RolloutError, StorageFault
from tfx_rollout.kfp.ir import Documents, dump, load, parse, save

PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}


@pytest.mark.parametrize("platform", [None, PLATFORM])
def test_what_is_written_is_read_back(raw: Documents, platform: dict | None, tmp_path: Path):
    documents = replace(raw, platform=platform)
    path = save(documents, tmp_path / "folder" / "taxi.yaml")
    assert load(path) == replace(documents, name=str(path))


def test_equal_documents_give_equal_files_whatever_the_order_of_their_keys(raw: Documents):
    turned = replace(raw, pipeline=dict(reversed(raw.pipeline.items())))
    assert dump(turned) == dump(raw)


def test_the_heading_tells_people_the_parameters(raw: Documents):
    raw.pipeline["root"]["inputDefinitions"]["parameters"]["span"]["defaultValue"] = "latest"
    assert dump(raw).startswith("# PIPELINE DEFINITION\n# Name: taxi\n# Inputs:\n#    span: STRING [Default: 'latest']\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no mapping"),
        ("just words", "no mapping"),
        ("- a\n- b\n", "no mapping"),
        ("a: [1, 2\nb: 3\n", "no YAML in line"),
        ("a: 1\n", "no 'root'"),
        ("pipelineSpec: {}\nruntimeConfig: {}\n", "PipelineJob"),
        ("root: {}\ndeploymentSpec: {}\n---\na: 1\n", "'platforms'"),
        ("root: {}\ndeploymentSpec: {}\n---\nplatforms: {}\n---\nx: 1\n", "3 YAML documents"),
        ("root: {}\ndeploymentSpec: {when: 2020-01-01}\n", "document.deploymentSpec.when: it is a date"),
        ("root: {}\ndeploymentSpec: {}\non: 1\n", "its key True is no text"),
    ],
)
def test_what_is_no_compiled_pipeline_is_told_in_one_sentence(text: str, said: str):
    with pytest.raises(InvalidPlan) as told:
        parse(text, name="x.yaml")
    assert said in str(told.value)
    assert "x.yaml" in str(told.value)
    assert len(told.value.faults) == 1


def test_a_file_that_is_not_there_names_those_that_are(tmp_path: Path):
    (tmp_path / "taxi.yaml").write_text("")
    with pytest.raises(NotFound, match=r"taxy\.yaml .* known: taxi\.yaml"):
        load(tmp_path / "taxy.yaml")


def test_a_folder_or_bytes_cannot_be_read(tmp_path: Path):
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "x.yaml"):
        with pytest.raises(StorageFault, match="cannot be read"):
            load(path)


@pytest.mark.parametrize("name", ["taxi.json", "taxi", "taxi.zip"])
def test_a_pipeline_is_written_as_yaml_or_not_at_all(raw: Documents, tmp_path: Path, name: str):
    with pytest.raises(InvalidPlan, match=r"must end in \.yaml"):
        save(raw, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(raw: Documents, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RolloutError, match="cannot be written"):
        save(raw, tmp_path / "file" / "taxi.yaml")


def test_nulls_are_taken_for_missing():
    read = parse(yaml.safe_dump({"root": {"dag": None}, "deploymentSpec": {"executors": None}, "components": None}))
    assert read.pipeline == {"root": {}, "deploymentSpec": {}}
