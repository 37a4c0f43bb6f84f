"""The configuration file of one model server of one model, as the supervisor means it."""

from __future__ import annotations

from pathlib import Path

from tfx_rollout.model_store.control_file import write_text
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.serving import ServedModel, render_model_config, rendered_spec
from tfx_rollout.traffic import ServerSpec, label_named


def write_spec(file: Path, model: str, base_path: Path, spec: ServerSpec) -> None:
    """Writes the configuration that the server polls. Raises `StorageFault`."""
    served = ServedModel(model, base_path, spec.versions, {str(label): version for label, version in spec.labels.items()})
    write_text(file, render_model_config([served]))


def read_spec(file: Path) -> ServerSpec:
    """What a server is configured with; nothing when there is no file. Raises `StorageFault`."""
    with storage_faults(file, "read"):
        try:
            versions, labels = rendered_spec(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ServerSpec()
    return ServerSpec(versions, {label_named(label): version for label, version in labels.items()})
