"""ModelServerConfig as values, and the rules a configuration must keep.

Texts and codes are those of server_core.cc. Pure: `config_proto` makes these values
from protos.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tfx_rollout.model_server.status import Code, ServingError

PLATFORM = "tensorflow"
_URI = re.compile(r"[A-Za-z][A-Za-z0-9.]*://")


@dataclass(frozen=True)
class Latest:
    """Serve the `count` highest versions (at least one)."""

    count: int = 1


@dataclass(frozen=True)
class AllVersions:
    """Serve each version there is."""


@dataclass(frozen=True)
class Specific:
    """Serve exactly these versions."""

    versions: frozenset[int] = frozenset()


VersionPolicy = Latest | AllVersions | Specific


@dataclass(frozen=True)
class ModelConfig:
    """One entry of a ModelConfigList. `platform` is None where the entry sets neither platform nor type."""

    name: str
    base_path: str
    platform: str | None = PLATFORM
    policy: VersionPolicy = Latest()
    labels: Mapping[str, int] = field(default_factory=dict)
    has_logging: bool = False


@dataclass(frozen=True)
class ServerConfig:
    """A ModelServerConfig; `models` is None where it holds no model_config_list, `custom` where it holds a custom one."""

    models: tuple[ModelConfig, ...] | None
    custom: bool = False


def single_model(name: str, base_path: str) -> ServerConfig:
    """What `--model_name` and `--model_base_path` mean."""
    return ServerConfig((ModelConfig(name, base_path),))


def check(new: ServerConfig, current: ServerConfig | None) -> Sequence[ModelConfig]:
    """The models of an acceptable configuration; raises ServingError otherwise.

    `current` is the configuration in force, None at the start.
    """
    if new.models is None:
        if current is not None or new.custom:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                "Cannot transition to requested config. It is only legal to transition from one ModelConfigList to another.",
            )
        return ()
    seen: set[str] = set()
    for model in new.models:
        if model.name in seen:
            raise ServingError(Code.INVALID_ARGUMENT, f"Illegal to list model {model.name} multiple times in config list")
        seen.add(model.name)
    for model in new.models:
        if not (model.base_path.startswith("/") or _URI.match(model.base_path)):
            raise ServingError(
                Code.INVALID_ARGUMENT,
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}",
            )
    before = {m.name: m.platform for m in (current.models or ())} if current else {}
    for model in new.models:
        _check_platform(model, before)
    return new.models


def _check_platform(model: ModelConfig, before: Mapping[str, str | None]) -> None:
    if not model.platform:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
            f"ModelServerConfig::model_platform, model name is {model.name}",
        )
    if before.get(model.name, model.platform) != model.platform:
        raise ServingError(
            Code.INVALID_ARGUMENT,
            f"Illegal to change a model's platform. For model {model.name} platform was {before[model.name]} "
            f"and new platform requested is {model.platform}",
        )
    if model.platform != PLATFORM:
        raise ServingError(Code.INVALID_ARGUMENT, f"Model {model.name} requests unsupported platform {model.platform}")
