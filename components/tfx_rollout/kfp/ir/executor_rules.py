"""Rules on what runs each task: its executor, container, command and cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.reading import inside, text, texts
from tfx_rollout.kfp.ir.tasks import ENTRYPOINT, ENTRYPOINT_MODULE, EXECUTOR_FLAG, KINDS, tasks_of

TASK_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*")
LIVE_MODEL = "tfx_rollout.tfx.live_model.Executor"
PLACEHOLDER = re.compile(r"\{\{\$.*?\}\}")
KNOWN_PLACEHOLDER = re.compile(
    r"\{\{\$("
    r"|\.inputs\.parameters\['[^']+'\]|\.outputs\.parameters\['[^']+'\]\.output_file"
    r"|\.(inputs|outputs)\.artifacts\['[^']+'\]\.(uri|path)"
    r")\}\}"
)
"""What the launcher of open-source KFP fills in."""


def executors(documents: Documents) -> Iterator[Finding]:
    """Open-source KFP runs containers and importers; every task needs one, or a DAG of its own."""
    for task in tasks_of(documents.pipeline):
        reference = text(inside(task.spec, "componentRef"), "name")
        if not task.component:
            yield Finding("component", task.node, f"its component {reference!r} is not there", "compile the pipeline anew")
        elif "dag" in task.component:
            continue
        elif "resolver" in task.executor:
            yield Finding(
                "resolver",
                task.node,
                "it is a Resolver, which open-source KFP does not run",
                "use tfx_rollout.LiveModel in its place where it gives the Evaluator its baseline, else an Importer",
            )
        elif not any(kind in task.executor for kind in ("container", "importer")):
            kind = next((kind for kind in KINDS if kind in task.executor), None)
            fault = f"its executor is a {kind}" if kind else f"its executor {task.executor_label!r} is not there"
            yield Finding(
                "executor", task.node, f"{fault}, and open-source KFP runs containers and importers alone", "use one of those"
            )


def task_names(documents: Documents) -> Iterator[Finding]:
    """Names of tasks become names in an Argo workflow."""
    for task in tasks_of(documents.pipeline):
        if not TASK_NAME.fullmatch(task.name):
            yield Finding(
                "task-name",
                task.node,
                "Argo, which runs the tasks, does not take its name",
                "use letters, digits and hyphens alone (with_id in TFX)",
            )


def live_models(documents: Documents) -> Iterator[Finding]:
    """Every output has an artifact on Kubeflow, also before anything is live."""
    for task in tasks_of(documents.pipeline):
        if task.executor_class == LIVE_MODEL and "fallback" not in inside(task.spec, "inputs", "artifacts"):
            yield Finding(
                "live-model",
                task.node,
                "it has no fallback, and fails until a first version is live, since every output needs an artifact here",
                "connect fallback=trainer.outputs['model'] to LiveModel",
            )


def lifecycle_hooks(documents: Documents) -> Iterator[Finding]:
    """Nothing in open-source KFP reads a container's hooks."""
    for task in tasks_of(documents.pipeline):
        if task.container.get("lifecycle"):
            yield Finding(
                "lifecycle",
                task.node,
                "its container has a lifecycle hook, which open-source KFP never runs",
                "finish the pipeline: our entrypoint resolves spans and versions itself",
            )


def container_images(documents: Documents) -> Iterator[Finding]:
    """A container needs an image."""
    for task in tasks_of(documents.pipeline):
        if "container" in task.executor and not text(task.container, "image").strip():
            yield Finding("image", task.node, "its container has no image", "finish the pipeline with the setting image")


def entrypoints(documents: Documents) -> Iterator[Finding]:
    """A TFX task that another entrypoint runs fails at its first artifact, whose type KFP leaves out."""
    for task in tasks_of(documents.pipeline):
        command = texts(task.container, "command")
        if task.executor_class and command != ENTRYPOINT:
            shown = " ".join(command) or "the image's own"
            yield Finding(
                "entrypoint",
                task.node,
                f"its command is {shown!r}, which does not understand artifacts as open-source KFP hands them over",
                f"finish the pipeline, which lets it run {ENTRYPOINT_MODULE}",
            )


def inputs_specs(documents: Documents) -> Iterator[Finding]:
    """A TFX task learns the types of its inputs from its own arguments."""
    for task in tasks_of(documents.pipeline):
        if task.executor_class and "--json_serialized_inputs_spec_args" not in texts(task.container, "args"):
            yield Finding(
                "inputs-spec",
                task.node,
                f"its arguments have {EXECUTOR_FLAG} but not --json_serialized_inputs_spec_args",
                "compile with use_pipeline_spec_2_1=True (compile_for_kubeflow does)",
            )


def caching(documents: Documents) -> Iterator[Finding]:
    """A cached deployment succeeds and deploys nothing."""
    for task in tasks_of(documents.pipeline):
        if task.deploys and inside(task.spec, "cachingOptions").get("enableCache"):
            yield Finding(
                "caching",
                task.node,
                "it may be answered from the cache, and would then succeed and deploy nothing",
                "compile with enable_cache=False, or finish the pipeline",
            )


def placeholders(documents: Documents) -> Iterator[Finding]:
    """What KFP's launcher does not fill in reaches the program as it stands."""
    for task in tasks_of(documents.pipeline):
        for word in (*texts(task.container, "command"), *texts(task.container, "args")):
            for found in PLACEHOLDER.findall(word):
                if not KNOWN_PLACEHOLDER.fullmatch(found):
                    yield Finding(
                        "placeholder",
                        task.node,
                        f"open-source KFP does not fill in {found}",
                        "take the artifact's uri or path, or pass the value as a parameter",
                    )


EXECUTOR_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    executors,
    task_names,
    live_models,
    lifecycle_hooks,
    container_images,
    entrypoints,
    inputs_specs,
    caching,
    placeholders,
)
