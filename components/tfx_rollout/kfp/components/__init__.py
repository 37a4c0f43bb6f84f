"""The deployment stage as plain components of Kubeflow Pipelines, for pipelines without TFX.

    from tfx_rollout.kfp.components import components_for

    stage = components_for("registry.example.com/tfx-rollout:1.2.0")

Each calls the command in an image that has neither TFX nor kfp, and has scalar outputs that
`dsl.If` can compare. The names below are loaded on first use; only they import kfp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfx_rollout.kfp.components.blessing import check_blessing
    from tfx_rollout.kfp.components.canary import run_canary
    from tfx_rollout.kfp.components.components import Components, components_for
    from tfx_rollout.kfp.components.live import live_model
    from tfx_rollout.kfp.components.pushing import push_model
    from tfx_rollout.kfp.components.unfinished import end_unfinished
    from tfx_rollout.kfp.components.validation import validate_infra

_HOMES = {
    "Components": "components",
    "check_blessing": "blessing",
    "components_for": "components",
    "end_unfinished": "unfinished",
    "live_model": "live",
    "push_model": "pushing",
    "run_canary": "canary",
    "validate_infra": "validation",
}

__all__ = [
    "Components",
    "check_blessing",
    "components_for",
    "end_unfinished",
    "live_model",
    "push_model",
    "run_canary",
    "validate_infra",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
