"""Pipelines that KFP's own compiler made, run from its file: branches, exit handlers, importers, nested pipelines, retries."""

# No postponed annotations here: KFP's decorators look at the annotations themselves.

from collections.abc import Callable
from pathlib import Path
from typing import Any, List  # noqa: UP035 KFP's compiler wants the name from there

import pytest

from tfx_rollout.kfp.runner import PipelineResult

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def parts() -> Any:
    """The components; compiled without KFP's own pip install, which an image for them would make needless."""
    from types import SimpleNamespace

    from kfp import dsl
    from kfp.dsl import Artifact, Input, Model, Output

    @dsl.component(install_kfp_package=False)
    def word(text: str) -> str:
        return text

    @dsl.component(install_kfp_package=False)
    def flag(value: bool) -> bool:
        return value

    @dsl.component(install_kfp_package=False)
    def number(value: int) -> int:
        return value

    @dsl.component(install_kfp_package=False)
    def say(text: str = "the default"):
        print("said:", text)

    @dsl.component(install_kfp_package=False)
    def fail(text: str):
        raise ValueError(text)

    @dsl.component(install_kfp_package=False)
    def at_the_end(model: str, status: dsl.PipelineTaskFinalStatus):
        print("status:", status.pipeline_task_name, status.state, model)

    @dsl.component(install_kfp_package=False)
    def copy(model: Input[Model], copied: Output[Model]) -> str:
        import shutil

        shutil.copytree(model.path, copied.path)
        copied.metadata.update(model.metadata, files=1)
        return model.metadata["owner"]

    @dsl.component(install_kfp_package=False)
    def show(model: Input[Artifact]):
        print("shown:", model.uri.rsplit("/", 1)[-1], sorted(model.metadata.items()))

    @dsl.container_component
    def flaky(count: str, tries: dsl.OutputPath(int)):
        code = (
            "import pathlib, sys; at = pathlib.Path(sys.argv[1]); n = int(at.read_text() or 0) + 1 if at.exists() else 1; "
            "at.write_text(str(n)); pathlib.Path(sys.argv[2]).write_text(str(n)); sys.exit(n < 3)"
        )
        return dsl.ContainerSpec(image="image", command=["python", "-c", code], args=[count, tries])

    return SimpleNamespace(
        word=word, flag=flag, number=number, say=say, fail=fail, at_the_end=at_the_end, copy=copy, show=show, flaky=flaky
    )


@pytest.fixture
def run_compiled(run, tmp_path) -> Callable[..., PipelineResult]:
    """Compiles a pipeline to a file and runs that."""
    from kfp import compiler

    def run_compiled(pipeline: Any, **options: Any) -> PipelineResult:
        file = tmp_path / "compiled.yaml"
        compiler.Compiler().compile(pipeline, str(file))
        return run(file, **options)

    return run_compiled


def states(result: PipelineResult) -> dict[str, str]:
    return {name: task.state.value for name, task in result.tasks.items()}


def said(result: PipelineResult, task: str, word: str = "said:") -> str:
    (line,) = [line for line in result.task(task).log.read_text().splitlines() if line.startswith(word)]
    return line


def test_a_straight_line_with_an_importer_hands_a_model_and_its_metadata_on(parts, run_compiled, tmp_path: Path):
    from kfp import dsl

    @dsl.pipeline(name="line")
    def line(uri: str = "gs://bucket/models/1"):
        imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Model, reimport=True, metadata={"owner": "us", "good": True})
        copied = parts.copy(model=imported.output)
        parts.show(model=copied.outputs["copied"])
        parts.say(text=copied.outputs["Output"])

    model = tmp_path / "bucket/models/1"
    model.mkdir(parents=True)
    (model / "saved_model.pb").write_text("a model")
    result = run_compiled(line, mounts={"gs://bucket": tmp_path / "bucket"}).require_success()
    assert list(states(result)) == ["importer", "copy", "say", "show"]
    copied = Path(result.tasks["copy"].artifacts["copied"]["uri"])
    assert (copied / "saved_model.pb").read_text() == "a model"
    assert said(result, "say") == "said: us"
    assert "('files', 1), ('good', 1), ('owner', 'us')" in said(result, "show", "shown:")


@pytest.mark.parametrize("taken", [True, False])
def test_branches_on_strings_bools_and_numbers_are_taken_or_skipped_with_what_depends_on_them(parts, run_compiled, taken):
    from kfp import dsl

    @dsl.pipeline(name="branches")
    def branches(text: str, yes: bool, count: int):
        with dsl.If(parts.word(text=text).output == "blessed", name="by-word"):
            parts.say(text=f"for {text}").set_display_name("said")
        with dsl.If(parts.flag(value=yes).output == True, name="by-flag"):  # noqa: E712 KFP compiles the comparison
            parts.say(text="flag")
        with dsl.If(parts.number(value=count).output > 4, name="by-number"):
            parts.say(text="number")
        with dsl.Else(name="otherwise"):
            parts.say(text="else")

    parameters = {"text": "blessed" if taken else "no", "yes": taken, "count": 5 if taken else 4}
    result = run_compiled(branches, parameters=parameters).require_success()
    found = states(result)
    branches_taken = [name for name, state in found.items() if name.startswith("condition") and state == "SUCCEEDED"]
    sayings = sorted(said(result, name) for name in found if "/say" in name)
    if taken:
        assert sayings == ["said: flag", "said: for blessed", "said: number"]
    else:
        assert sayings == ["said: else"]
        skipped = [task for task in result.tasks.values() if task.state.value == "SKIPPED"]
        assert len(skipped) == 3
        assert all(task.reason.startswith("its condition is false: ") for task in skipped)
    assert branches_taken


@pytest.mark.parametrize("fails", [True, False])
def test_an_exit_handler_runs_either_way_and_is_told_how_it_ended(parts, run_compiled, fails):
    from kfp import dsl

    @dsl.pipeline(name="exits")
    def exits():
        end = parts.at_the_end(model="taxi")
        with dsl.ExitHandler(end, name="deploy"):
            first = parts.fail(text="no server") if fails else parts.say(text="fine")
            parts.say(text="after").after(first)

    result = run_compiled(exits)
    assert result.succeeded is not fails
    assert said(result, "at-the-end", "status:") == f"status: exit-handler-1 {'FAILED' if fails else 'COMPLETE'} taxi"
    if fails:
        assert states(result) == {
            "exit-handler-1/fail": "FAILED",
            "exit-handler-1/say": "SKIPPED",
            "exit-handler-1": "FAILED",
            "at-the-end": "SUCCEEDED",
        }
        assert result.task("fail").last_line() == "ValueError: no server"


def test_a_pipeline_within_a_pipeline_gives_parameters_and_artifacts_out(parts, run_compiled, tmp_path):
    from typing import NamedTuple

    from kfp import dsl

    class Given(NamedTuple):
        owner: str
        model: dsl.Model

    @dsl.pipeline(name="inner")
    def inner(uri: str, suffix: str = "!") -> Given:
        imported = dsl.importer(artifact_uri=uri, artifact_class=dsl.Model, metadata={"owner": "us"})
        copied = parts.copy(model=imported.output)
        parts.say(text=f"copied{suffix}")
        return Given(owner=copied.outputs["Output"], model=copied.outputs["copied"])

    @dsl.pipeline(name="outer")
    def outer():
        nested = inner(uri="gs://bucket/m")
        parts.say(text=nested.outputs["owner"])
        parts.show(model=nested.outputs["model"])

    (tmp_path / "bucket/m").mkdir(parents=True)
    result = run_compiled(outer, mounts={"gs://bucket": tmp_path / "bucket"}).require_success()
    assert said(result, "inner/say") == "said: copied!"
    assert result.tasks["say"].executor_input["inputs"]["parameterValues"] == {"text": "us"}
    assert said(result, "show", "shown:").startswith("shown: copied [('files', 1)")
    assert result.tasks["inner"].artifacts["model"] == result.tasks["inner/copy"].artifacts["copied"]


def test_a_flaky_container_is_tried_again(parts, run_compiled, tmp_path):
    from kfp import dsl

    @dsl.pipeline(name="retries")
    def retries(count: str):
        parts.flaky(count=count).set_retry(3, backoff_duration="0s")

    result = run_compiled(retries, parameters={"count": str(tmp_path / "count")}).require_success()
    assert result.tasks["flaky"].attempts == 3
    assert result.tasks["flaky"].parameters == {"tries": 3.0}


def test_a_loop_runs_each_round_and_gives_lists(parts, run_compiled):
    from kfp import dsl

    @dsl.component(install_kfp_package=False)
    def items() -> list:
        return [{"who": "a", "n": 1}, {"who": "b", "n": 2}]

    @dsl.component(install_kfp_package=False)
    def told(words: list):
        print("told:", words)

    @dsl.pipeline(name="loops")
    def loops(greeting: str = "hello"):
        with dsl.ParallelFor([3, 4]) as number:
            counted = parts.number(value=number)
            with dsl.If(counted.output == 4):
                parts.say(text="four")
        with dsl.ParallelFor(items().output) as item:
            parts.say(text=item.who)
            parts.say(text=f"{greeting} all")
            word = parts.word(text=item.who)
        told(words=dsl.Collected(word.output))

    result = run_compiled(loops).require_success()
    found = states(result)
    conditions = {name: state for name, state in found.items() if "condition" in name and name.count("/") == 1}
    assert list(conditions.values()) == ["SKIPPED", "SUCCEEDED"]
    sayings = [said(result, name) for name in found if "/say" in name]
    assert sayings == ["said: four", "said: a", "said: hello all", "said: b", "said: hello all"]
    assert said(result, "told", "told:") == "told: ['a', 'b']"


def test_a_round_that_fails_fails_the_loop_and_the_others_run(parts, run_compiled):
    from kfp import dsl

    @dsl.component(install_kfp_package=False)
    def odd(value: int):
        assert value % 2, "even"

    @dsl.component(install_kfp_package=False)
    def numbers(count: int) -> List[int]:  # noqa: UP006
        return list(range(1, count + 1))

    @dsl.pipeline(name="loops")
    def loops(count: int):
        with dsl.ParallelFor(numbers(count=count).output) as value:
            odd(value=value)

    result = run_compiled(loops, parameters={"count": 3})
    assert states(result) == {
        "numbers": "SUCCEEDED",
        "for-loop-1[0]/odd": "SUCCEEDED",
        "for-loop-1[1]/odd": "FAILED",
        "for-loop-1[2]/odd": "SUCCEEDED",
        "for-loop-1": "FAILED",
    }
    assert result.tasks["for-loop-1[1]/odd"].last_line() == "AssertionError: even"


def test_a_volume_that_is_not_mapped_is_refused(parts, run_compiled):
    from kfp import dsl, kubernetes

    from tfx_rollout.errors import InvalidPlan

    @dsl.pipeline(name="refused")
    def refused():
        kubernetes.mount_pvc(parts.say(), pvc_name="models", mount_path="/srv/models")

    with pytest.raises(InvalidPlan, match="say: a volume claim is mounted at /srv/models, which is not mapped"):
        run_compiled(refused)
