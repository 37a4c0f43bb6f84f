"""TFX tasks run by our entrypoint, called exactly as the launcher of open-source KFP calls them.

The task's arguments are those of a compiled pipeline; the executor's input is made as KFP's
driver makes it: no types on inputs, every number a float, an output for the log. Where a
remedy is left out the same call fails: that is what the remedies are for.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.ir import load, tasks_of
from tfx_rollout.model_store import ModelStore
from tfx_rollout.tfx.kubeflow import entrypoint
from tfx_rollout.tfx.kubeflow.storage import MOUNT_VARIABLE

pytestmark = pytest.mark.integration

COMPILED = Path(__file__).parents[3] / "kubeflow" / "compiled" / "taxi-tfx1.16.yaml"
TASKS = {task.name: task for task in tasks_of(load(COMPILED).pipeline)}
LOGS = {"artifacts": [{"name": "executor-logs", "uri": "gs://b/executor-logs", "type": {"schemaTitle": "system.Artifact"}}]}


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as a mounted volume."""
    monkeypatch.setenv(MOUNT_VARIABLE, str(tmp_path))
    return tmp_path


def from_kfp(uri: Path, identity: int, **metadata: Any) -> dict[str, Any]:
    """An input artifact as the driver reads it back from the metadata store: its type is not known any more."""
    session = '{"Provider":"minio","Params":{"fromEnv":"true"}}'
    known = {"display_name": uri.name, "store_session_info": session, **metadata}
    return {"artifacts": [{"name": str(identity), "uri": str(uri), "type": {"instanceSchema": ""}, "metadata": known}]}


def called(name: str, root: Path, parameters: dict[str, Any], **inputs: dict[str, Any]) -> tuple[list[str], Path]:
    """The task's arguments with the executor's input in place, and the file for its outputs."""
    task = TASKS[name]
    constants = {
        key: given["runtimeValue"]["constant"]
        for key, given in task.spec["inputs"]["parameters"].items()
        if "runtimeValue" in given
    }
    outputs = {
        key: {"artifacts": [{"name": key, "uri": str(root / name / "1" / key), "type": spec["artifactType"]}]}
        for key, spec in task.component["outputDefinitions"]["artifacts"].items()
    }
    file = root / name / "1" / "output_metadata.json"
    executor_input = {
        "inputs": {"parameterValues": {**constants, "run_id": "8c6d", **parameters}, "artifacts": inputs},
        "outputs": {"artifacts": {**outputs, "executor-logs": LOGS}, "outputFile": str(file)},
    }
    return [json.dumps(executor_input) if arg == "{{$}}" else arg for arg in task.container["args"]], file


def outputs_of(file: Path) -> dict[str, Any]:
    """The executor's output as the launcher reads it: strictly. One artifact a channel, each with its metadata."""
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    message = json_format.Parse(file.read_text(), pipeline_spec_pb2.ExecutorOutput(), ignore_unknown_fields=False)
    found = json_format.MessageToDict(message).get("artifacts", {})
    assert all(len(channel["artifacts"]) == 1 for channel in found.values())
    return {key: channel["artifacts"][0].get("metadata", {}) for key, channel in found.items()}


def without(remedy: entrypoint.Remedy) -> list[entrypoint.Remedy]:
    assert remedy in entrypoint.REMEDIES
    return [other for other in entrypoint.REMEDIES if other is not remedy]


def canary_call(root: Path, **metadata: Any) -> tuple[list[str], Path]:
    facts = {"pushed": 0.0, "reason": "it is not blessed", "digest": "d", **metadata}
    serving = json.dumps({"root": str(root / "srv"), "model": "taxi"})
    parameters = {"serving": serving, "plan": "demo", "timeout_seconds": 60.0}
    return called("CanaryRollout", root, parameters, pushed_model=from_kfp(root / "pushed", 42, **facts))


def write_spans(root: Path, *spans: int) -> Path:
    for span in spans:
        folder = root / "data" / f"span-{span}"
        folder.mkdir(parents=True)
        (folder / "trips.csv").write_text("fare,tips\n" + "".join(f"{span},{n}\n" for n in range(40)))
    return root / "data"


def examples_call(root: Path, span: str) -> tuple[list[str], Path]:
    return called("CsvExampleGen", root, {"input_base": str(root / "data"), "range_config": span})


def test_a_task_of_ours_runs_as_a_process_as_kfp_starts_it(mounted: Path):
    argv, file = canary_call(mounted)
    command = [sys.executable, *TASKS["CanaryRollout"].container["command"][1:], *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert "CanaryRollout: not_pushed" in done.stderr, "what the executor says reaches the log"
    report = outputs_of(file)["report"]
    assert (report["outcome"], report["passed"]) == ("not_pushed", 0.0)
    assert report["reason"].endswith("it is not blessed")


def test_without_restored_types_the_task_fails_at_its_first_artifact(mounted: Path):
    argv, file = canary_call(mounted)
    with pytest.raises(AttributeError):
        entrypoint.run(argv, without(entrypoint.types_restored))
    assert not file.exists()


def test_with_kfps_output_for_the_log_the_task_fails_too(mounted: Path):
    argv, file = canary_call(mounted)
    with pytest.raises(ImportError, match=r"system\.Artifact"):
        entrypoint.run(argv, without(entrypoint.logs_left_out))
    assert not file.exists()


def test_on_a_root_that_is_no_mount_nothing_is_written_and_without_the_check_it_would_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(MOUNT_VARIABLE, raising=False)
    if any(folder.is_mount() for folder in tmp_path.parents if folder != Path("/")):
        pytest.skip("the folder of the tests is on a mounted volume")
    argv, file = canary_call(tmp_path)
    with pytest.raises(InvalidInput, match="lost with the container"):
        entrypoint.run(argv)
    assert not file.exists()
    entrypoint.run(argv, without(entrypoint.storage_opened))
    assert file.exists()


def test_example_gen_finds_the_newest_span_itself(mounted: Path):
    write_spans(mounted, 1, 2, 10)
    argv, file = examples_call(mounted, "latest")
    entrypoint.run(argv)
    examples = outputs_of(file)["examples"]
    assert examples["span"] == 10.0
    assert examples["split_names"] == '["train", "eval"]'
    assert examples["input_fingerprint"].startswith("split:trips,num_files:1")


def test_example_gen_takes_the_span_that_the_run_names(mounted: Path):
    write_spans(mounted, 1, 2)
    argv, file = examples_call(mounted, "1")
    entrypoint.run(argv)
    assert outputs_of(file)["examples"]["span"] == 1.0


def test_without_the_drivers_part_example_gen_looks_for_files_of_no_span(mounted: Path):
    write_spans(mounted, 1, 2)
    argv, _ = examples_call(mounted, "latest")
    with pytest.raises(RuntimeError, match=r"span-\{SPAN\}"):
        entrypoint.run(argv, without(entrypoint.span_resolved))


@pytest.mark.parametrize(("span", "said"), [("7", "found no input"), ("yesterday", "The span 'yesterday' is none")])
def test_a_span_that_is_not_there_is_told_in_one_sentence(mounted: Path, span: str, said: str):
    write_spans(mounted, 1)
    argv, file = examples_call(mounted, span)
    with pytest.raises(InvalidInput, match=said):
        entrypoint.run(argv)
    assert not file.exists()


def test_numbers_come_as_floats_in_custom_properties_and_are_read_all_the_same(mounted: Path):
    """A yes that comes back as 1.0 is a yes; read as TFX's own artifacts hold it, it would be 0."""
    from tfx.types import standard_artifacts

    from tfx_rollout.tfx.artifact_facts import flag

    argv, _ = canary_call(mounted, pushed=1.0)
    call = entrypoint.types_restored(entrypoint.parsed(argv))
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as tfx_parsing

    message = json_format.ParseDict(call.executor_input, pipeline_spec_pb2.ExecutorInput())
    (pushed,) = tfx_parsing.parse_raw_artifact_dict(message.inputs.artifacts)["pushed_model"]
    assert isinstance(pushed, standard_artifacts.PushedModel)
    assert flag(pushed, "pushed") is True
    assert pushed.mlmd_artifact.custom_properties["pushed"].int_value == 0


def test_live_model_gives_the_candidate_until_something_is_live_and_without_a_fallback_says_what_to_do(
    mounted: Path, testdata: Path
):
    ModelStore(mounted / "srv").model("taxi").path.mkdir(parents=True)
    serving = {"serving": json.dumps({"root": str(mounted / "srv"), "model": "taxi"})}
    argv, file = called("LiveModel", mounted, serving, fallback=from_kfp(testdata / "trainer" / "keras", 7))
    # The model that TFX ships is no mount; it is only read.
    entrypoint.run(argv, without(entrypoint.storage_opened))
    found = outputs_of(file)
    assert found["model"]["live"] == 0.0
    assert found["blessing"]["blessed"] == 0.0
    alone, _ = called("LiveModel", mounted, serving)
    with pytest.raises(InvalidInput, match="connect fallback="):
        entrypoint.run(alone)


def test_what_the_launcher_does_not_know_in_the_output_would_fail_the_task(mounted: Path):
    from google.protobuf import json_format

    argv, file = canary_call(mounted)
    entrypoint.run(argv)
    written = json.loads(file.read_text())
    assert outputs_of(file)
    file.write_text(json.dumps({**copy.deepcopy(written), "unheard_of": 1}))
    with pytest.raises(json_format.ParseError):
        outputs_of(file)


def test_the_executors_of_every_task_are_where_the_compiled_pipeline_says():
    """Executor paths are public: a pipeline that was compiled long ago meets a newer image."""
    for task in TASKS.values():
        assert isinstance(entrypoint.Call(task.executor_class, {}, {}).executor, type)
    ours = {name: task.executor_class for name, task in TASKS.items() if task.deploys}
    assert ours == {
        "LiveModel": "tfx_rollout.tfx.live_model.Executor",
        "InfraValidator": "tfx_rollout.tfx.infra_validator.Executor",
        "VersionedPusher": "tfx_rollout.tfx.versioned_pusher.Executor",
        "CanaryRollout": "tfx_rollout.tfx.canary_rollout.Executor",
        "BlessingCheck": "tfx_rollout.tfx.blessing_check.Executor",
    }
    with pytest.raises(InvalidInput, match="not in this image"):
        _ = entrypoint.Call("tfx_rollout.tfx.moved_away.Executor", {}, {}).executor
