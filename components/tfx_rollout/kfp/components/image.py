"""The image in which the components run: no TFX, no kfp, only this package. Imports no kfp."""

from __future__ import annotations

import os

from tfx_rollout.kfp.ir.command import module_command

DEFAULT_IMAGE = "tfx-rollout:latest"
"""The image of the published components, as `kubeflow/image/Dockerfile.slim` builds it."""

VARIABLE = "TFX_ROLLOUT_IMAGE"
"""The environment variable that names another one, while a pipeline is compiled."""

COMMAND = list(module_command("tfx_rollout.cli"))
"""The command in it."""


def image() -> str:
    """The image of the components of this package: that of the environment variable, else the default."""
    return os.environ.get(VARIABLE) or DEFAULT_IMAGE
