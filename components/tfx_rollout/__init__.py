"""tfx-rollout: from a trained model to live traffic, in stages that may not hurt.

The names below are loaded on first use, so that importing the package costs
nothing and pulls in neither TFX nor TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_rollout.tfx.artifacts import RolloutReport
    from tfx_rollout.tfx.blessing_check import BlessingCheck
    from tfx_rollout.tfx.canary_rollout import CanaryRollout
    from tfx_rollout.tfx.infra_validator import InfraValidator
    from tfx_rollout.tfx.live_model import LiveModel
    from tfx_rollout.tfx.parameters import KUBEFLOW_RUN_ID, local_run_id
    from tfx_rollout.tfx.stage import DeploymentStage, deployment_stage
    from tfx_rollout.tfx.versioned_pusher import VersionedPusher

__version__ = "0.1.0"

__all__ = [
    "KUBEFLOW_RUN_ID",
    "BlessingCheck",
    "CanaryRollout",
    "DeploymentStage",
    "InfraValidator",
    "LiveModel",
    "RolloutReport",
    "VersionedPusher",
    "__version__",
    "deployment_stage",
    "local_run_id",
]

_HOMES = {
    "KUBEFLOW_RUN_ID": "parameters",
    "BlessingCheck": "blessing_check",
    "CanaryRollout": "canary_rollout",
    "DeploymentStage": "stage",
    "InfraValidator": "infra_validator",
    "LiveModel": "live_model",
    "RolloutReport": "artifacts",
    "VersionedPusher": "versioned_pusher",
    "deployment_stage": "stage",
    "local_run_id": "parameters",
}


def __getattr__(name: str) -> Any:
    """The TFX components, imported when they are asked for (and `tfx_rollout.RolloutReport` as Kubeflow imports it)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.tfx.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
