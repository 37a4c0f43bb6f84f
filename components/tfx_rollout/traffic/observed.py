"""The observed state: what the supervisor last saw to be in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.track import Label, Track, label_named

SCHEMA = 1


class VersionState(str, Enum):
    """TensorFlow Serving's states of a version (GetModelStatus)."""

    UNKNOWN = "UNKNOWN"
    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Route:
    """Where a track leads: a server by name, and the label to ask it for."""

    server: str
    label: Label


@dataclass(frozen=True)
class ServerObservation:
    """One model server as the supervisor sees it.

    `configured_*` is what its configuration file says; `versions` and `labels` are
    what the server itself answers. Labels are the project's own and aliases. `errors` has the load error of a version in END.
    """

    name: str
    ready: bool = False
    pid: int | None = None
    grpc_port: int | None = None
    rest_port: int | None = None
    restarts: int = 0
    configured_versions: tuple[int, ...] = ()
    configured_labels: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[int, VersionState] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)

    def available(self, version: int) -> bool:
        """Whether this server answers for the version."""
        return self.ready and self.versions.get(version) is VersionState.AVAILABLE

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "ready": self.ready,
            "pid": self.pid,
            "grpc_port": self.grpc_port,
            "rest_port": self.rest_port,
            "restarts": self.restarts,
            "configured_versions": list(self.configured_versions),
            "configured_labels": {str(k): v for k, v in self.configured_labels.items()},
            "versions": {str(k): str(v) for k, v in self.versions.items()},
            "labels": {str(k): v for k, v in self.labels.items()},
            "errors": {str(k): v for k, v in self.errors.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ServerObservation:
        return cls(
            name=data["name"],
            ready=data["ready"],
            pid=data["pid"],
            grpc_port=data["grpc_port"],
            rest_port=data["rest_port"],
            restarts=data["restarts"],
            configured_versions=tuple(data["configured_versions"]),
            configured_labels={label_named(k): v for k, v in data["configured_labels"].items()},
            versions={int(k): VersionState(v) for k, v in data["versions"].items()},
            labels={label_named(k): v for k, v in data["labels"].items()},
            errors={int(k): v for k, v in data["errors"].items()},
        )


@dataclass(frozen=True)
class ObservedState:
    """What is in force for one model.

    `generation` is the newest desired generation that was applied to its end;
    `split` and `routes` are what the gateway confirmed, `None` and empty before the first.
    `gateway_address` is `host:port` for clients. Times are seconds since the epoch.
    """

    model: str
    generation: int = 0
    servers: tuple[ServerObservation, ...] = ()
    split: Split | None = None
    routes: Mapping[Track, Route] = field(default_factory=dict)
    split_since: float = 0.0
    """Since when `split` and `routes` have been in force."""
    gateway_address: str | None = None
    step: str = ""
    """In words: what is being done or waited for now; empty when settled."""
    fault: str | None = None
    """Why the desired state cannot be reached, if it cannot (a version that does not load)."""
    at: float = 0.0

    def server(self, name: str) -> ServerObservation | None:
        """The server of this name, if there is one."""
        return next((s for s in self.servers if s.name == name), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "model": self.model,
            "generation": self.generation,
            "servers": [s.to_json() for s in self.servers],
            "split": None if self.split is None else self.split.to_json(),
            "routes": {str(t): {"server": r.server, "label": str(r.label)} for t, r in self.routes.items()},
            "split_since": self.split_since,
            "gateway_address": self.gateway_address,
            "step": self.step,
            "fault": self.fault,
            "at": self.at,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ObservedState:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        split = data["split"]
        return cls(
            model=data["model"],
            generation=data["generation"],
            servers=tuple(ServerObservation.from_json(s) for s in data["servers"]),
            split=None if split is None else Split.from_json(split),
            routes={Track(t): Route(r["server"], Label(r["label"])) for t, r in data["routes"].items()},
            split_since=data["split_since"],
            gateway_address=data["gateway_address"],
            step=data["step"],
            fault=data["fault"],
            at=data["at"],
        )
