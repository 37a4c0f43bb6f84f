"""The one artifact type of our own. It has no PROPERTIES: Kubeflow Pipelines would refuse it."""

from __future__ import annotations

from tfx.types import artifact


class RolloutReport(artifact.Artifact):
    """What became of a candidate under live traffic.

    Custom properties: `outcome` (`holding`, `promoted`, `rolled_back`, `first_version`,
    `already_live`, `not_pushed`, `failed`), `passed` (0 or 1, always there), `reason`, `rollout`,
    `generation`, `digest`, `pushed_version`. `report.json` below the uri has the whole story,
    `report.html` shows it.
    """

    # Importable under this very name: Kubeflow's entrypoint makes the class of it.
    TYPE_NAME = "tfx_rollout.RolloutReport"
