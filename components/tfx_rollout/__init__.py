"""tfx-rollout: from a trained model to live traffic, in stages that may not hurt.

The names below are loaded on first use, so that importing the package costs
nothing and pulls in neither TFX nor TensorFlow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

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
    "KUBEFLOW_RUN_ID": "tfx.parameters",
    "BlessingCheck": "tfx.blessing_check",
    "CanaryRollout": "tfx.canary_rollout",
    "DeploymentStage": "tfx.stage",
    "InfraValidator": "tfx.infra_validator",
    "LiveModel": "tfx.live_model",
    "RolloutReport": "tfx.artifacts",
    "VersionedPusher": "tfx.versioned_pusher",
    "deployment_stage": "tfx.stage",
    "local_run_id": "tfx.parameters",
}

# The TFX components; and `tfx_rollout.RolloutReport` is what Kubeflow's entrypoint imports.
__getattr__, __dir__ = lazy_names(__name__, _HOMES)
