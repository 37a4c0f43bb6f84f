"""How a pipeline has ended, by what Kubeflow Pipelines tells its exit task. Imports no kfp."""

from __future__ import annotations

import json

from tfx_rollout.errors import InvalidInput

SUCCEEDED = frozenset({"SUCCEEDED", "COMPLETE", "CACHED"})
"""The documented word, and those that the open-source backend writes in its place."""


def succeeded(status: str) -> bool:
    """Whether the tasks before have all succeeded. `InvalidInput` for text that is no final status.

    A backend that still calls them running counts as none that says so.
    """
    try:
        return json.loads(status)["state"] in SUCCEEDED
    except (ValueError, KeyError, TypeError) as fault:
        raise InvalidInput(
            f"The status {status!r} is none of a pipeline ({fault!r}); hand over a PipelineTaskFinalStatus."
        ) from fault
