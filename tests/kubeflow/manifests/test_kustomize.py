"""The renderer: patches by both rules, images, names; and what it does not know it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from manifests.lint.__main__ import main
from manifests.lint.kustomize import json_patched, merged, render
from tfx_rollout.errors import InvalidInput

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(CONFIG_MAP))
    return tmp_path


def write(folder: Path, **content: object) -> Path:
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["map.yaml"], **content}))
    return folder


def test_a_strategic_merge_joins_maps_and_named_lists_and_null_removes():
    before = {"spec": {"replicas": 1, "containers": [{"name": "a", "image": "x", "args": ["1", "2"]}], "list": [1, 2]}}
    change = {"spec": {"replicas": None, "containers": [{"name": "a", "args": ["3"]}, {"name": "b"}], "list": [3]}}
    assert merged(before, change) == {
        "spec": {"containers": [{"name": "b"}, {"name": "a", "image": "x", "args": ["3"]}], "list": [3]}
    }


def test_a_merge_may_delete_one_of_a_list_and_replace_a_map():
    before = {"volumes": [{"name": "a"}, {"name": "b"}], "emptyDir": {"sizeLimit": "1Gi"}}
    change = {"volumes": [{"name": "a", "$patch": "delete"}], "emptyDir": {"$patch": "replace", "medium": "Memory"}}
    assert merged(before, change) == {"volumes": [{"name": "b"}], "emptyDir": {"medium": "Memory"}}


def test_the_operations_of_a_json_patch_leave_the_document_they_came_from_as_it_was():
    operations = [
        {"op": "add", "path": "/data/y~1z", "value": "2"},
        {"op": "replace", "path": "/data/x", "value": "3"},
        {"op": "remove", "path": "/metadata/name"},
    ]
    assert json_patched(CONFIG_MAP, operations, "here")["data"] == {"x": "3", "y/z": "2"}
    assert CONFIG_MAP["data"] == {"x": "1"}


@pytest.mark.parametrize("operation", ["replace", "remove"])
def test_a_json_patch_of_what_is_not_there_is_refused(operation: str):
    with pytest.raises(InvalidInput, match=r"here: .* finds no /data/typo in ConfigMap a"):
        json_patched(CONFIG_MAP, [{"op": operation, "path": "/data/typo", "value": 1}], "here")


def test_an_image_keeps_what_is_not_said_anew(folder: Path):
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": {"spec": {}}}}
    job["spec"]["template"]["spec"]["containers"] = [{"name": "a", "image": "mine:1"}, {"name": "b", "image": "mine-other"}]
    (folder / "map.yaml").write_text(yaml.safe_dump(job))
    write(folder, images=[{"name": "mine", "newName": "r.example.com:5000/mine"}])
    (found,) = render(folder)
    images = [container["image"] for container in found["spec"]["template"]["spec"]["containers"]]
    assert images == ["r.example.com:5000/mine:1", "mine-other"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"namePrefix": "x-"}, "has namePrefix, which is not rendered here"),
        ({"resources": ["typo.yaml"]}, "typo.yaml is named by a kustomization and is not there"),
        ({"configMapGenerator": [{"name": "b", "literals": ["x=1"]}]}, "set disableNameSuffixHash"),
        ({"labels": [{"pairs": {"a": "b"}, "includeSelectors": True}]}, "only `pairs` is rendered here"),
        ({"resources": ["map.yaml", "map.yaml"]}, "has ConfigMap a twice; combine components"),
        ({"kind": "Component"}, "is a Component; list it under components"),
        ({"patches": [{"patch": "- {op: remove, path: /data}", "target": {"kind": "Typo"}}]}, "a patch finds no Typo"),
        ({"patches": [{"patch": "- {op: replace, path: /kind, value: X}", "target": {"kind": "ConfigMap"}}]}, "allowKindChange"),
    ],
)
def test_what_cannot_be_rendered_is_refused_with_the_file(folder: Path, content: dict[str, object], words: str):
    with pytest.raises(InvalidInput, match=words):
        render(write(folder, **content))


def test_a_file_that_is_no_yaml_is_one_sentence(folder: Path):
    (folder / "map.yaml").write_text("a: [")
    with pytest.raises(InvalidInput, match=r"map\.yaml is not YAML"):
        render(write(folder))


def test_the_command_prints_each_fault_and_ends_with_1(folder: Path, capsys, monkeypatch):
    (folder / "map.yaml").write_text(yaml.safe_dump({**CONFIG_MAP, "metadata": {"name": "my-plans"}}))
    monkeypatch.setattr(sys, "argv", ["lint", str(write(folder))])
    assert main() == 1
    assert "ConfigMap my-plans: plan x is not valid" in capsys.readouterr().out


def test_the_command_ends_with_2_where_there_is_no_kustomization(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["lint", str(tmp_path)])
    assert main() == 2
    assert capsys.readouterr().err == f"error: There is no kustomization.yaml in {tmp_path}; name a folder that has one.\n"
