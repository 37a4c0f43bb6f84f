"""Compiled pipelines (KFP v2's IR): read, checked against what open-source KFP does with them, and finished for a cluster.

No TFX here, and kfp only where its own messages are needed.
"""

from tfx_rollout.kfp.ir.document import Documents, dump, load, parse, save
from tfx_rollout.kfp.ir.finishing import STEPS, finish
from tfx_rollout.kfp.ir.linting import Finding, lint, refuse
from tfx_rollout.kfp.ir.settings import KubeflowSettings, Mount, Resources, Retries, SecretEnvironment
from tfx_rollout.kfp.ir.tasks import ENTRYPOINT, Task, tasks_of

__all__ = [
    "ENTRYPOINT",
    "STEPS",
    "Documents",
    "Finding",
    "KubeflowSettings",
    "Mount",
    "Resources",
    "Retries",
    "SecretEnvironment",
    "Task",
    "dump",
    "finish",
    "lint",
    "load",
    "parse",
    "refuse",
    "save",
    "tasks_of",
]
