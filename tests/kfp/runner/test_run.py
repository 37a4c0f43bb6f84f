"""Whole runs of small pipelines: what tasks give each other, and what fails them as it would on a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.errors import TaskFailed
from tfx_rollout.kfp.runner import Ended, Launch, TaskState

pytestmark = pytest.mark.integration

EXIT = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
PRINT_INPUT = "import json, sys; print(json.dumps(json.loads(sys.argv[1])))"


def output(artifacts: dict | None = None, parameters: dict | None = None) -> str:
    """The text of an ExecutorOutput."""
    found: dict = {}
    if artifacts is not None:
        found["artifacts"] = {key: {"artifacts": [value]} for key, value in artifacts.items()}
    if parameters is not None:
        found["parameterValues"] = parameters
    return json.dumps(found)


def from_task(producer: str, key: str) -> dict:
    return {"producerTask": producer, "key": key}


def printed(result, task: str) -> dict:
    return json.loads(result.task(task).last_line())


def make(ir, write_output, metadata: dict | None = None, text: str | None = None, **options):
    """Adds a task `make` that gives an artifact `model` with this metadata."""
    text = output({"model": {"metadata": metadata or {}}}) if text is None else text
    return ir.add("make", write_output, "{{$}}", text, outputs=["model"], **options)


def test_artifacts_and_parameters_go_from_task_to_task(ir, run, write_output):
    text = output({"model": {"metadata": {"n": 7, "b": True, "s": "x"}}}, {"version": 3})
    make(ir, write_output, text=text, output_parameters={"version": "NUMBER_INTEGER"})
    ir.add(
        "use",
        PRINT_INPUT,
        "{{$}}",
        artifacts={"model": from_task("make", "model")},
        parameters={"version": "NUMBER_INTEGER"},
        given={"version": from_task("make", "version")},
    )
    result = run(ir).require_success()
    assert list(result.tasks) == ["make", "use"]
    made = result.tasks["make"]
    assert made.parameters == {"version": 3.0}
    seen = printed(result, "use")["inputs"]
    assert seen["parameterValues"] == {"version": 3}
    assert seen["artifacts"]["model"]["artifacts"] == [
        {
            "name": "1",
            "uri": made.artifacts["model"]["uri"],
            "type": {"instanceSchema": ""},
            "metadata": {"n": 7, "b": 1, "s": "x"},
        }
    ]
    metadata = result.tasks["use"].executor_input["inputs"]["artifacts"]["model"]["artifacts"][0]["metadata"]
    assert all(type(metadata[key]) is float for key in ("n", "b")), "every number is a double on the way"


def test_a_task_that_takes_its_types_from_its_inputs_fails_here_too(ir, run, write_output):
    """Open-source KFP leaves the type of input artifacts empty; TFX's own entrypoint stumbles over it."""
    make(ir, write_output)
    code = (
        "import json, sys; print(json.loads(sys.argv[1])['inputs']['artifacts']['model']['artifacts'][0]['type']['schemaTitle'])"
    )
    ir.add("use", code, "{{$}}", artifacts={"model": from_task("make", "model")})
    with pytest.raises(TaskFailed, match=r"Task use failed: .*KeyError: 'schemaTitle'"):
        run(ir).require_success()


def test_outputs_lie_under_the_root_by_pipeline_run_task_and_attempt(ir, run, write_output, tmp_path):
    make(ir, write_output)
    result = run(ir).require_success()
    place = Path(result.tasks["make"].artifacts["model"]["uri"])
    assert place.parts[-3:][0] == "make"
    assert place.name == "model"
    assert place.is_relative_to(tmp_path / "root/small" / result.run_id / "make")
    assert result.tasks["make"].executor_input["outputs"]["outputFile"] == str(place.parent / "output_metadata.json")
    assert not place.exists(), "the path itself is the task's to make"
    assert place.parent.is_dir()


@pytest.mark.parametrize("place", ["/tmp/kfp_outputs/output_metadata.json", "output_metadata.json"])
def test_an_output_file_elsewhere_is_not_read(ir, run, place):
    """Older backends kept it in a fixed place; a condition on what it says then fails, and does not skip."""
    code = f"import os; os.makedirs(os.path.dirname({place!r}) or '.', exist_ok=True); open({place!r}, 'w').write('{{}}')"
    ir.add("make", code, outputs=["blessing"])
    ir.add(
        "push",
        artifacts={"_make.blessing": from_task("make", "blessing")},
        triggerPolicy={"condition": "inputs.artifacts['_make.blessing'].artifacts[0].metadata['blessed'] == 1.0"},
    )
    result = run(ir)
    assert result.tasks["make"].state is TaskState.SUCCEEDED
    assert result.tasks["push"].state is TaskState.FAILED
    assert "no such key 'blessed'" in result.tasks["push"].reason


@pytest.mark.parametrize(
    ("metadata", "state"),
    [({"blessed": 1}, TaskState.SUCCEEDED), ({"blessed": 0}, TaskState.SKIPPED), ({}, TaskState.FAILED)],
)
def test_a_condition_runs_skips_or_where_the_key_is_missing_fails(ir, run, write_output, metadata, state):
    make(ir, write_output, metadata)
    ir.add(
        "push",
        artifacts={"_make.model": from_task("make", "model")},
        triggerPolicy={"condition": "inputs.artifacts['_make.model'].artifacts[0].metadata['blessed'] == 1.0"},
    )
    ir.add("canary", after=["push"]).add("other")
    result = run(ir)
    assert result.tasks["push"].state is state
    assert result.tasks["canary"].state is (TaskState.SUCCEEDED if state is TaskState.SUCCEEDED else TaskState.SKIPPED)
    assert result.tasks["other"].state is TaskState.SUCCEEDED
    assert result.succeeded is (state is not TaskState.FAILED)


def test_nulls_and_the_fields_own_names_are_read_as_the_launcher_reads_them(ir, run, write_output):
    text = '{"artifacts": {"model": {"artifacts": [{"uri": null, "metadata": null}]}}, "parameter_values": {"p": 5}}'
    make(ir, write_output, text=text, output_parameters={"p": "NUMBER_INTEGER"})
    made = run(ir).require_success().tasks["make"]
    assert made.parameters == {"p": 5.0}
    assert made.artifacts["model"]["metadata"] == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"artifacts": {}, "extra": 1}', 'no field named "extra"'),
        ("not json", "no ExecutorOutput"),
        ('{"parameterValues": 5}', "no ExecutorOutput"),
        ("[]", "no ExecutorOutput (it is a list)"),
        ('{"artifacts": {"model": {"artifacts": [{"metadata": {"n": null}}]}}}', "metadata 'n' is null"),
    ],
)
def test_an_output_that_the_launcher_cannot_read_fails_the_task(ir, run, write_output, text, said):
    make(ir, write_output, text=text)
    result = run(ir)
    assert result.tasks["make"].state is TaskState.FAILED
    assert said in result.tasks["make"].reason


def test_of_an_output_artifact_the_first_ones_uri_metadata_and_path_count_alone(ir, run, write_output):
    two = {
        "artifacts": {
            "model": {
                "artifacts": [
                    {"name": "mine", "type": {"schemaTitle": "mine.Type"}, "metadata": {"a": 1}, "customPath": "/elsewhere"},
                    {"metadata": {"a": 2}},
                ]
            },
            "unknown": {"artifacts": [{"uri": "/x"}]},
        }
    }
    make(ir, write_output, text=json.dumps(two))
    ir.add("use", PRINT_INPUT, "{{$}}", artifacts={"model": from_task("make", "model")})
    result = run(ir).require_success()
    (artifact,) = printed(result, "use")["inputs"]["artifacts"]["model"]["artifacts"]
    assert artifact["name"] == "1"
    assert artifact["type"] == {"instanceSchema": ""}
    assert artifact["metadata"] == {"a": 1}
    assert set(result.tasks["make"].artifacts) == {"model"}


def test_an_output_parameter_comes_from_its_file_by_its_type(ir, run):
    ir.add(
        "gate",
        "import sys; open(sys.argv[1], 'w').write('True\\n')",
        "{{$.outputs.parameters['ok'].output_file}}",
        output_parameters={"ok": "BOOLEAN"},
    )
    assert run(ir).require_success().tasks["gate"].parameters == {"ok": True}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("pass", "did not write its output parameter 'ok'"),
        ("import sys; open(sys.argv[1], 'w').write('perhaps')", "'ok' is not of type BOOLEAN"),
    ],
)
def test_an_output_parameter_that_is_missing_or_of_another_type_fails_the_task(ir, run, code, said):
    ir.add("gate", code, "{{$.outputs.parameters['ok'].output_file}}", output_parameters={"ok": "BOOLEAN"})
    assert said in run(ir).tasks["gate"].reason


def test_after_a_failure_dependents_are_skipped_other_branches_go_on_and_exit_handlers_run(ir, run):
    ir.add("fail", "import sys; print('why'); sys.exit(3)").add("next", after=["fail"]).add("last", after=["next"]).add("other")
    ir.add(
        "exit",
        "import sys; print(sys.argv[1])",
        "{{$.inputs.parameters['status']}}",
        parameters={"status": "TASK_FINAL_STATUS"},
        given={"status": {"taskFinalStatus": {"producerTask": "fail"}}},
        after=["fail"],
        triggerPolicy=EXIT,
    )
    result = run(ir)
    states = {name: task.state.value for name, task in result.tasks.items()}
    assert states == {"fail": "FAILED", "exit": "SUCCEEDED", "next": "SKIPPED", "last": "SKIPPED", "other": "SUCCEEDED"}
    assert list(result.tasks)[:2] == ["fail", "exit"]
    assert result.tasks["next"].reason == "the task fail failed"
    assert result.tasks["last"].reason == "the task next was skipped"
    status = printed(result, "exit")
    assert status == {
        "state": "FAILED",
        "pipelineJobResourceName": status["pipelineJobResourceName"],
        "pipelineTaskName": "fail",
        "error": {},
    }
    assert status["pipelineJobResourceName"].startswith("small-")
    with pytest.raises(TaskFailed, match=r"Task fail failed: it ended with exit code 3; its log .* ends with: why"):
        result.require_success()


def test_an_exit_handler_of_what_never_ran_does_not_run(ir, run):
    ir.add("gate", triggerPolicy={"condition": "false"}).add("exit", after=["gate"], triggerPolicy=EXIT)
    result = run(ir)
    assert result.tasks["exit"].state is TaskState.SKIPPED
    assert result.tasks["exit"].reason == "what it follows did not run: gate"


COUNT = """
import os, pathlib, sys
count = pathlib.Path(sys.argv[1]); tries = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(tries))
print("try", tries, os.path.exists(sys.argv[2]))
open(sys.argv[2], "w").write("x")
sys.exit(tries < 3)
"""


@pytest.mark.parametrize(("most", "state", "attempts"), [(2, "SUCCEEDED", 3), (1, "FAILED", 2)])
def test_a_task_is_tried_as_often_as_its_policy_says_with_one_log_and_clean_files(ir, run, tmp_path, most, state, attempts):
    ir.add(
        "flaky",
        COUNT,
        str(tmp_path / "count"),
        "{{$.outputs.parameters['p'].output_file}}",
        output_parameters={"p": "STRING"},
        retryPolicy={"maxRetryCount": most, "backoffDuration": "0s", "backoffFactor": 2.0, "backoffMaxDuration": "1s"},
    )
    task = run(ir).tasks["flaky"]
    assert (task.state.value, task.attempts) == (state, attempts)
    assert task.log.read_text().splitlines() == [f"try {n} False" for n in range(1, attempts + 1)]


def test_a_missing_output_is_a_reason_to_try_again(ir, run, tmp_path):
    code = COUNT.replace("sys.exit(tries < 3)", "tries < 3 and os.remove(sys.argv[2])")
    ir.add(
        "flaky",
        code,
        str(tmp_path / "count"),
        "{{$.outputs.parameters['p'].output_file}}",
        output_parameters={"p": "STRING"},
        retryPolicy={"maxRetryCount": 2},
    )
    task = run(ir).require_success().tasks["flaky"]
    assert (task.attempts, task.parameters) == (3, {"p": "x"})


def test_a_task_that_hangs_fails_and_the_run_goes_on(ir, run):
    ir.add("hang", "import time; time.sleep(60)").add("other")
    result = run(ir, timeout_s=1)
    assert result.tasks["hang"].reason == "it ran longer than 1 s and was killed"
    assert result.tasks["other"].state is TaskState.SUCCEEDED


def test_a_task_sees_the_containers_environment_and_that_of_the_image_alone(ir, run, monkeypatch, tmp_path):
    monkeypatch.setenv("A_SECRET_OF_THIS_PROCESS", "x")
    (tmp_path / "srv").mkdir()
    ir.add(
        "tell",
        "import json, os; print(json.dumps(dict(os.environ)))",
        env={"SERVING": "/srv/models", "BOTH": "container"},
    )
    result = run(ir, environment={"OF_THE_IMAGE": "y", "BOTH": "image"}, mounts={"/srv": tmp_path / "srv"}).require_success()
    seen = printed(result, "tell")
    assert "A_SECRET_OF_THIS_PROCESS" not in seen
    assert (seen["OF_THE_IMAGE"], seen["BOTH"]) == ("y", "container")
    assert seen["SERVING"] == f"{tmp_path}/srv/models"
    assert seen["TFX_ROLLOUT_MOUNTED_ROOT"] == str(tmp_path / "root")


def test_places_of_the_cluster_are_mapped_in_commands_parameters_and_the_root(ir, run, tmp_path):
    for name in ("srv", "bucket"):
        (tmp_path / name).mkdir()
    ir.parameters["serving"] = {"parameterType": "STRING", "defaultValue": '{"root": "/srv/models"}'}
    ir.add(
        "push",
        "import sys; print(sys.argv[1:])",
        "--root=/srv/models",
        "{{$.inputs.parameters['serving']}}",
        "{{$.inputs.parameters['data']}}",
        "{{$.outputs.artifacts['pushed'].uri}}",
        parameters={"serving": "STRING", "data": "STRING"},
        given={"serving": {"componentInputParameter": "serving"}, "data": "gs://b/data"},
        outputs=["pushed"],
    )
    documents = ir.documents(defaultPipelineRoot="gs://b/root")
    result = run(documents, pipeline_root=None, mounts={"/srv": tmp_path / "srv", "gs://b": tmp_path / "bucket"})
    said = result.require_success().tasks["push"].last_line()
    uri = result.tasks["push"].artifacts["pushed"]["uri"]
    assert said == str([f"--root={tmp_path}/srv/models", f'{{"root": "{tmp_path}/srv/models"}}', f"{tmp_path}/bucket/data", uri])
    assert uri.startswith(f"{tmp_path}/bucket/root/small/{result.run_id}/push/")


def test_a_placeholder_that_nobody_fills_in_fails_the_task_before_it_starts(ir, run):
    ir.add("push", "pass", "{{$.inputs.artifacts['model'].metadata['version']}}")
    task = run(ir).tasks["push"]
    assert task.state is TaskState.FAILED
    assert task.attempts == 0
    assert "does not fill in" in task.reason


def test_a_container_without_a_command_is_told_so(ir, run):
    ir.add("entrypoint")
    ir.executors["entrypoint"]["container"] = {"image": "image"}
    assert "an image's own entrypoint cannot be run here" in run(ir).tasks["entrypoint"].reason


def test_a_launcher_of_ones_own_gets_every_command(ir, run):
    class Recording:
        def __init__(self) -> None:
            self.commands: list[tuple[str, ...]] = []

        def launch(self, launch: Launch) -> Ended:
            self.commands.append(launch.command[1:])
            return Ended()

        def close(self) -> None:
            raise AssertionError("it is not the run's to close")

    launcher = Recording()
    run(ir.add("a", "one").add("b", "two"), launcher=launcher).require_success()
    assert launcher.commands == [("-c", "one"), ("-c", "two")]


def test_it_tells_when_a_task_starts_and_how_it_ended(ir, run):
    told: list[str] = []
    run(ir.add("a").add("b", "import sys; sys.exit(1)").add("c", after=["b"]), tell=told.append)
    assert told[0] == "a …"
    assert told[1].startswith("a succeeded in ")
    assert told[2:] == ["b …", "b failed: it ended with exit code 1", "c skipped: the task b failed"]
