"""The rules of version labels (`UpdateModelVersionLabelMap` of server_core.cc). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tfx_rollout.model_server.model_config import ModelConfig
from tfx_rollout.model_server.status import Code, ServingError

LabelMap = Mapping[str, Mapping[str, int]]
"""Model name to label to version."""


def label_map(
    models: Sequence[ModelConfig],
    *,
    current: LabelMap,
    available: Mapping[str, Collection[int]],
    allow_unavailable: bool,
) -> LabelMap:
    """The labels of a new configuration, replacing the current ones as a whole.

    A label may only name a version that is AVAILABLE now. With `allow_unavailable` a
    label that is new, or stays where it is, may name any version; one that moves must
    still name an AVAILABLE one. Raises ServingError FAILED_PRECONDITION.
    """
    labels: dict[str, dict[str, int]] = {}
    for model in models:
        for label, version in model.labels.items():
            stays_or_new = current.get(model.name, {}).get(label, version) == version
            if not (allow_unavailable and stays_or_new) and version not in available.get(model.name, ()):
                raise ServingError(
                    Code.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference",
                )
            labels.setdefault(model.name, {})[label] = version
    return labels


def version_of(labels: LabelMap, model: str, label: str) -> int:
    """The version a label names; ServingError INVALID_ARGUMENT for a label that is not there."""
    version = labels.get(model, {}).get(label)
    if version is None:
        raise ServingError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
    return version
