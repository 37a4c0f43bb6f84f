"""What a compiled pipeline still lacks for an open-source Kubeflow cluster, added in small steps.

Each step takes documents and settings and returns new documents, and each is the remedy of
one thing that KFP refuses or silently drops. `STEPS` is the list; who wants to see what a
step is for leaves it out and asks `lint`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir.document import Documents, Json
from tfx_rollout.kfp.ir.platform import with_platform
from tfx_rollout.kfp.ir.settings import KubeflowSettings, Resources
from tfx_rollout.kfp.ir.tasks import ENTRYPOINT, executor_class, executors_of, tasks_of

Step = Callable[[Documents, KubeflowSettings], Documents]

PRODUCER_SUFFIX = "_task"
"""What TFX adds to the name of a task whose output another one takes as a parameter; no task is called so."""


def default_pipeline_root(documents: Documents, settings: KubeflowSettings) -> Documents:
    """The root for runs that name none. TFX keeps it in the runtime configuration, which a YAML file does not have."""
    return replace(documents, pipeline={**documents.pipeline, "defaultPipelineRoot": settings.pipeline_root})


def parameter_defaults(documents: Documents, settings: KubeflowSettings) -> Documents:
    """A default for each parameter that `settings.parameters` names. TFX drops the default of a RuntimeParameter."""
    pipeline = copy.deepcopy(documents.pipeline)
    inputs = pipeline["root"].get("inputDefinitions", {}).get("parameters", {})
    unknown = sorted(set(settings.parameters) - set(inputs))
    if unknown:
        known = ", ".join(sorted(inputs)) or "none"
        raise InvalidPlan(
            f"the parameters of {documents.name}",
            [f"{name}: the pipeline has no such parameter; known: {known}" for name in unknown],
        )
    for name, value in settings.parameters.items():
        inputs[name]["defaultValue"] = value
    return replace(documents, pipeline=pipeline)


def images(documents: Documents, settings: KubeflowSettings) -> Documents:
    """The image of each TFX task: the one with our package in it."""
    pipeline = copy.deepcopy(documents.pipeline)
    for container in _tfx_containers(pipeline):
        container["image"] = settings.image
    return replace(documents, pipeline=pipeline)


def our_entrypoint(documents: Documents, settings: KubeflowSettings) -> Documents:
    """The command of each TFX task: the one that understands what open-source KFP hands over."""
    pipeline = copy.deepcopy(documents.pipeline)
    for container in _tfx_containers(pipeline):
        container["command"] = list(ENTRYPOINT)
    return replace(documents, pipeline=pipeline)


def producers_by_name(documents: Documents, settings: KubeflowSettings) -> Documents:
    """The producers of parameters, by the names that their tasks have."""
    pipeline = copy.deepcopy(documents.pipeline)
    for task in tasks_of(pipeline):
        for given in task.spec.get("inputs", {}).get("parameters", {}).values():
            source = given.get("taskOutputParameter", {})
            name = source.get("producerTask", "")
            if name not in task.siblings and name.removesuffix(PRODUCER_SUFFIX) in task.siblings:
                source["producerTask"] = name.removesuffix(PRODUCER_SUFFIX)
    return replace(documents, pipeline=pipeline)


def waiting_for_producers(documents: Documents, settings: KubeflowSettings) -> Documents:
    """Each task waits for those whose outputs it reads: KFP starts a task when its `dependentTasks` have ended."""
    pipeline = copy.deepcopy(documents.pipeline)
    for task in tasks_of(pipeline):
        missing = [name for name in task.producers if name in task.siblings and name not in task.waits_for]
        if missing:
            _changeable(task.spec)["dependentTasks"] = sorted({*task.waits_for, *missing})
    return replace(documents, pipeline=pipeline)


def deployment_uncached(documents: Documents, settings: KubeflowSettings) -> Documents:
    """No cache for tasks that change what is served: a cached push would succeed and push nothing."""
    pipeline = copy.deepcopy(documents.pipeline)
    for task in tasks_of(pipeline):
        if task.deploys:
            _changeable(task.spec)["cachingOptions"] = {}
    return replace(documents, pipeline=pipeline)


def without_lifecycle(documents: Documents, settings: KubeflowSettings) -> Documents:
    """No hooks before a container: open-source KFP ignores them, and our entrypoint does what TFX's hook does."""
    pipeline = copy.deepcopy(documents.pipeline)
    for executor in executors_of(pipeline).values():
        executor.get("container", {}).pop("lifecycle", None)
    return replace(documents, pipeline=pipeline)


def retry_policy(documents: Documents, settings: KubeflowSettings) -> Documents:
    """Another attempt for tasks that failed, where they say nothing of it themselves."""
    retries = settings.retries
    if not retries.most:
        return documents
    pipeline = copy.deepcopy(documents.pipeline)
    for task in tasks_of(pipeline):
        if task.container:
            _changeable(task.spec).setdefault(
                "retryPolicy",
                {
                    "maxRetryCount": retries.most,
                    "backoffDuration": f"{retries.pause_seconds}s",
                    "backoffFactor": retries.factor,
                    "backoffMaxDuration": f"{retries.longest_pause_seconds}s",
                },
            )
    return replace(documents, pipeline=pipeline)


def resources(documents: Documents, settings: KubeflowSettings) -> Documents:
    """Cores and memory: the task's own settings, else those for all."""
    pipeline = copy.deepcopy(documents.pipeline)
    tasks = list(tasks_of(pipeline))
    unknown = sorted(set(settings.task_resources) - {task.name for task in tasks})
    if unknown:
        known = ", ".join(sorted(task.name for task in tasks))
        raise InvalidPlan(
            "the settings for Kubeflow", [f"task_resources.{name}: there is no such task; known: {known}" for name in unknown]
        )
    for task in tasks:
        wanted = _resource_spec(settings.task_resources.get(task.name, settings.resources))
        if task.container and wanted:
            container = _changeable(task.container)
            container["resources"] = {**wanted, **container.get("resources", {})}
    return replace(documents, pipeline=pipeline)


STEPS: tuple[Step, ...] = (
    default_pipeline_root,
    parameter_defaults,
    images,
    our_entrypoint,
    producers_by_name,
    waiting_for_producers,
    deployment_uncached,
    without_lifecycle,
    retry_policy,
    resources,
    with_platform,
)
"""Every step, in the order in which they are taken."""


def finish(documents: Documents, settings: KubeflowSettings, steps: Sequence[Step] = STEPS) -> Documents:
    """The documents after all steps. `InvalidPlan` for settings that name what the pipeline does not have."""
    for step in steps:
        documents = step(documents, settings)
    return documents


def _tfx_containers(pipeline: Json) -> Iterator[Json]:
    for executor in executors_of(pipeline).values():
        container = executor.get("container", {})
        if executor_class(container):
            yield container


def _changeable(part: Any) -> Json:
    """A part of a copy that a step has made for itself."""
    assert isinstance(part, dict)
    return part


def _resource_spec(wanted: Resources) -> Json:
    fields = {
        "cpuLimit": wanted.cpu,
        "memoryLimit": wanted.memory_gb,
        "cpuRequest": wanted.cpu_request,
        "memoryRequest": wanted.memory_request_gb,
    }
    return {key: float(value) for key, value in fields.items() if value is not None}
