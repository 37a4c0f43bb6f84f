"""The Kubeflow Pipelines face: the compiled form of a pipeline, plain components, a runner, schedules.

The names below are loaded on first use, so that importing this costs nothing. Nothing of
it needs a cluster until it talks to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfx_rollout.kfp.ir import Documents, Finding, KubeflowSettings, finish, lint, load, refuse

__all__ = ["Documents", "Finding", "KubeflowSettings", "finish", "lint", "load", "refuse"]

_HOMES = dict.fromkeys(__all__, "ir")

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
