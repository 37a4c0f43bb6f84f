"""The command that compiles the taxi pipeline: the committed file is what it writes, and wrong options write nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import compile_pipeline
from tfx_rollout.errors import InvalidInput, InvalidPlan, NotFound
from tfx_rollout.kfp.ir import lint, load, tasks_of

SERVED = {"LiveModel", "InfraValidator", "VersionedPusher", "CanaryRollout", "BlessingCheck"}
COMMITTED = sorted((Path(compile_pipeline.__file__).parent / "compiled").glob("taxi-tfx*.yaml"))


def given(*options: str) -> object:
    return compile_pipeline.settings_from(compile_pipeline.options().parse_args(options))


@pytest.mark.integration
def test_the_committed_file_of_this_line_is_what_the_command_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    expected = compile_pipeline.compiled_file()
    if not expected.is_file():
        pytest.fail(f"{expected} is not there; make it with `python kubeflow/compile_pipeline.py`")
    assert compile_pipeline.main(["--output", str(tmp_path / "taxi.yaml")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "taxi.yaml")
    assert (tmp_path / "taxi.yaml").read_text() == expected.read_text()


@pytest.mark.integration
def test_options_become_defaults_mounts_and_secrets(tmp_path: Path):
    plan = tmp_path / "slow.yaml"
    plan.write_text("stages:\n- {share: 0.1}\n- {share: 0.5}\n")
    options = ["--image", "registry/x:2", "--pipeline-root", "s3://mine/taxi", "--data", "s3://mine/data", "--span", "7"]
    options += ["--serving-root", "/mnt/serve", "--serving-claim", "models", "--mount", "cache:/mnt/cache", "--plan", str(plan)]
    options += ["--secret", "key:secretkey=AWS_SECRET_ACCESS_KEY", "--train-steps", "3", "--retries", "0", "--model", "cab"]
    assert compile_pipeline.main([*options, "--output", str(tmp_path / "taxi.yaml")]) == 0
    documents = load(tmp_path / "taxi.yaml")
    assert lint(documents) == ()
    assert documents.pipeline["defaultPipelineRoot"] == "s3://mine/taxi"
    inputs = documents.pipeline["root"]["inputDefinitions"]["parameters"]
    defaults = {name: spec["defaultValue"] for name, spec in inputs.items()}
    assert (defaults["data"], defaults["span"]) == ("s3://mine/data", "7")
    assert json.loads(defaults["serving"]) == {"root": "/mnt/serve", "model": "cab"}
    assert json.loads(defaults["train_args"]) == {"num_steps": 3}
    assert [stage["share"] for stage in json.loads(defaults["plan"])["stages"]] == [0.1, 0.5], "a plan file travels whole"
    assert not any("retryPolicy" in task.spec for task in tasks_of(documents.pipeline))
    assert documents.platform is not None
    pods = documents.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    mounts = {
        task.name: [mount["mountPath"] for mount in pods[task.executor_label]["pvcMount"]]
        for task in tasks_of(documents.pipeline)
    }
    assert {name for name, paths in mounts.items() if "/mnt/serve" in paths} == SERVED
    assert all("/mnt/cache" in paths for paths in mounts.values())
    assert all(pod["secretAsEnv"][0]["secretName"] == "key" for pod in pods.values())


@pytest.mark.integration
def test_the_committed_file_of_this_line_has_no_finding():
    # An older kfp-kubernetes does not know every field that a newer one writes.
    assert lint(load(compile_pipeline.compiled_file())) == ()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_files_deploy_as_the_pipeline_does(path: Path):
    tasks = {task.name: task for task in tasks_of(load(path).pipeline)}
    assert {name for name, task in tasks.items() if task.deploys} == SERVED
    assert "fallback" in tasks["LiveModel"].spec["inputs"]["artifacts"]
    assert all(tasks[name].spec["cachingOptions"] == {} for name in SERVED)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pipeline-root", "minio://mlpipeline/x"], "pipeline_root: 'minio://mlpipeline/x' cannot be opened"),
        (["--pipeline-root", "/tmp/x"], "pipeline_root: '/tmp/x' is no bucket"),
        (["--image", ""], "image:"),
        (["--serving-claim", "No Claim"], "mounts.0.claim"),
        (["--serving-root", "relative"], "mounts.0.path"),
        (["--retries", "99"], "retries.most"),
        (["--secret", "key:a=1B"], "secrets.0.keys.a"),
    ],
)
def test_options_that_cannot_be_are_told_with_their_place(options: list[str], said: str):
    with pytest.raises(InvalidPlan) as told:
        given(*options)
    assert said in str(told.value)


def test_options_of_another_form_are_told():
    for options in (["--mount", "claim"], ["--mount", ":/x"], ["--secret", "key"], ["--secret", "key:a"]):
        with pytest.raises(InvalidInput, match=options[0]):
            given(*options)


def test_a_plan_is_read_before_anything_is_compiled(tmp_path: Path):
    assert compile_pipeline.plan_text("demo") == "demo"
    with pytest.raises(NotFound, match="speedy"):
        compile_pipeline.plan_text("speedy")
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text("alpha: 3\n")
    with pytest.raises(InvalidPlan, match="alpha"):
        compile_pipeline.plan_text(str(faulty))


def test_a_wrong_option_ends_the_command_with_one_sentence_and_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "taxi.yaml"
    assert compile_pipeline.main(["--pipeline-root", "/tmp/x", "--output", str(output)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert len(told.strip().splitlines()) == 1
    assert not output.exists()


def test_a_plan_that_is_not_there_ends_it_with_its_own_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert compile_pipeline.main(["--plan", "speedy", "--output", str(tmp_path / "taxi.yaml")]) == 4
    assert "speedy" in capsys.readouterr().err
