"""The components as users get them: loadable files that are what the code says, in the image that they choose."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tfx_rollout.kfp.components.image import COMMAND, DEFAULT_IMAGE

pytestmark = pytest.mark.integration

PUBLISHED = Path(__file__).parents[3] / "kubeflow" / "components"
NAMES = ["check_blessing", "end_unfinished", "live_model", "push_model", "run_canary", "validate_infra"]


def documents(folder: Path) -> dict[str, dict]:
    """Each file's document, without the version of the kfp that wrote it."""
    read = {file.stem: yaml.safe_load(file.read_text()) for file in sorted(folder.glob("*.yaml"))}
    assert all(document.pop("sdkVersion").startswith("kfp-2.") for document in read.values())
    return read


def container(document: dict) -> dict:
    (executor,) = document["deploymentSpec"]["executors"].values()
    return executor["container"]


def test_the_published_files_are_what_the_code_compiles_to(tmp_path):
    from tfx_rollout.kfp.components.publish import publish

    publish(tmp_path)
    assert documents(PUBLISHED) == documents(tmp_path), "run python -m tfx_rollout.kfp.components.publish kubeflow/components"


@pytest.mark.parametrize("name", NAMES)
def test_a_published_file_loads_with_the_outputs_of_the_component(name):
    from kfp import components

    from tfx_rollout.kfp.components import components_for

    loaded = components.load_component_from_file(str(PUBLISHED / f"{name}.yaml"))
    ours = components_for(DEFAULT_IMAGE).by_name()[name]
    assert loaded.component_spec.inputs.keys() == ours.component_spec.inputs.keys()
    assert loaded.component_spec.outputs == ours.component_spec.outputs


@pytest.mark.parametrize("name", NAMES)
def test_a_container_hands_over_every_input_and_every_output_and_only_options_that_the_command_has(name):
    from tfx_rollout.cli.app import app

    document = documents(PUBLISHED)[name]
    arguments, words = container(document)["args"], container(document)["command"]
    assert words[:3] == COMMAND
    command = app
    for word in words[3:]:
        command = command.get_command(None, word)  # type: ignore[arg-type]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if re.fullmatch(r"--[a-z].*", argument)} <= options

    (component,) = document["components"].values()
    text = " ".join(arguments)
    inputs = {**component["inputDefinitions"].get("artifacts", {}), **component["inputDefinitions"]["parameters"]}
    left_out = {each for each, spec in inputs.items() if f"['{each}']" not in text}
    optional = {each for each, spec in component["inputDefinitions"].get("artifacts", {}).items() if spec.get("isOptional")}
    # What may be left out reaches the command by the whole executor input; nothing else does.
    assert left_out - {"run"} == optional
    assert bool(optional) == ("{{$}}" in arguments)
    outputs = component["outputDefinitions"]
    for parameter in outputs["parameters"]:
        assert f"{parameter}={{{{$.outputs.parameters['{parameter}'].output_file}}}}" in arguments
    for artifact in outputs.get("artifacts", {}):
        assert f"{{{{$.outputs.artifacts['{artifact}'].path}}}}" in arguments
    # Placeholders that the open-source backend leaves as they are, or resolves for parameters alone.
    assert "IfPresent" not in text
    assert "Concat" not in text


@pytest.mark.parametrize("name", NAMES)
def test_every_component_takes_what_differs_in_each_run_so_that_no_answer_is_an_old_one(name):
    (component,) = documents(PUBLISHED)[name]["components"].values()
    assert "isOptional" not in component["inputDefinitions"]["parameters"]["run"]


def test_components_are_made_for_the_image_of_a_registry_of_ones_own(tmp_path):
    from tfx_rollout.kfp.components.publish import publish

    publish(tmp_path, "registry.example.com/models/tfx-rollout:1.2.0")
    images = {container(document)["image"] for document in documents(tmp_path).values()}
    assert images == {"registry.example.com/models/tfx-rollout:1.2.0"}


def test_the_image_may_come_from_the_environment(monkeypatch):
    from tfx_rollout.kfp.components import image

    monkeypatch.setenv("TFX_ROLLOUT_IMAGE", "registry.example.com/tfx-rollout:2")
    assert image.image() == "registry.example.com/tfx-rollout:2"
    monkeypatch.setenv("TFX_ROLLOUT_IMAGE", "")
    assert image.image() == DEFAULT_IMAGE


def test_every_public_name_is_there():
    package = importlib.import_module("tfx_rollout.kfp.components")
    assert sorted(set(NAMES) | {"Components", "components_for"}) == sorted(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)
    assert not inspect.ismodule(package.push_model)


def test_the_command_reads_an_executor_input_without_kfp():
    code = "import sys, tfx_rollout.kfp.components.executor_input; sys.exit('kfp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
