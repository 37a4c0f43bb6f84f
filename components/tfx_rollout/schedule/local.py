"""What a file declares of schedules without Kubeflow. Values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfx_rollout.schedule.trigger import Trigger

if TYPE_CHECKING:
    from tfx_rollout.schedule.overlap import OnOverlap

TIMEOUT_SECONDS = 86_400.0
"""How long a run may take by default."""


@dataclass(frozen=True)
class Overlap:
    """The model that a run retrains, and what it does about rollouts and retrainings on their way."""

    root: str
    model: str
    on_overlap: OnOverlap
    wait_seconds: float


@dataclass(frozen=True)
class LocalSchedule:
    """A command, and when it runs. Paths are absolute."""

    name: str
    trigger: Trigger
    command: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = TIMEOUT_SECONDS
    enabled: bool = True
    overlap: Overlap | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trigger": self.trigger.to_json(),
            "command": list(self.command),
            "cwd": self.cwd,
            "env": dict(self.env),
            "timeout_seconds": self.timeout_seconds,
            "enabled": self.enabled,
            "overlap": None if self.overlap is None else vars(self.overlap),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LocalSchedule:
        return cls(
            name=data["name"],
            trigger=Trigger.from_json(data["trigger"]),
            command=tuple(data["command"]),
            cwd=data["cwd"],
            env=data["env"],
            timeout_seconds=data["timeout_seconds"],
            enabled=data["enabled"],
            overlap=None if data["overlap"] is None else Overlap(**data["overlap"]),
        )
