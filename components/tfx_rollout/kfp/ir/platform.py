"""The second document: what Kubernetes adds to the tasks' pods, as kfp-kubernetes writes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tfx_rollout.kfp.ir.document import Documents, Json
from tfx_rollout.kfp.ir.settings import KubeflowSettings
from tfx_rollout.kfp.ir.tasks import tasks_of


@dataclass
class _PlatformConfig:
    """All that kfp-kubernetes reads and writes of a task of the KFP compiler, which a TFX task never was."""

    platform_config: dict[str, Any] = field(default_factory=dict)


def with_platform(documents: Documents, settings: KubeflowSettings) -> Documents:
    """Mounts and secrets for every container that is a task's; what the second document says already stays."""
    if not settings.mounts and not settings.secrets:
        return documents
    deploying = {task.executor_label: task.deploys for task in tasks_of(documents.pipeline) if task.container}
    old = _executors(documents.platform or {})
    pods = {label: _pod(old.get(label, {}), settings, deploys) for label, deploys in sorted(deploying.items())}
    executors = {**old, **{label: pod for label, pod in pods.items() if pod}}
    return replace(documents, platform={"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}})


def _pod(before: Json, settings: KubeflowSettings, deploys: bool) -> Json:
    from kfp import kubernetes

    task: Any = _PlatformConfig({"kubernetes": before})
    for mount in settings.mounts:
        if deploys or mount.tasks == "all":
            kubernetes.mount_pvc(task, pvc_name=mount.claim, mount_path=mount.path)
    for given in settings.secrets:
        kubernetes.use_secret_as_env(task, secret_name=given.secret, secret_key_to_env=dict(given.keys))
    pod = task.platform_config["kubernetes"]
    assert isinstance(pod, dict)
    return pod


def _executors(platform: Json) -> Json:
    found = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    assert isinstance(found, dict)
    return found
