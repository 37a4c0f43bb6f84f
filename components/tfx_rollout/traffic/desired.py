"""The desired state: THE truth of what one model's serving should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tfx_rollout.errors import InvalidState
from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.track import Label

SCHEMA = 1
Topology = Literal["dedicated", "shared"]


@dataclass(frozen=True)
class Cause:
    """Why a state was written: who, when (seconds since the epoch), for which rollout."""

    by: str = "nobody"
    why: str = "nothing was asked for yet"
    at: float = 0.0
    rollout: str | None = None


@dataclass(frozen=True)
class Sticky:
    """Assignment by a request header instead of by chance; the salt separates experiments."""

    header: str
    salt: str


@dataclass(frozen=True)
class DesiredState:
    """Versions to hold, their labels, and the split, at one generation.

    Invariants (checked at construction, `InvalidState`): labels name versions that are
    held; a track with weight has its label; a canary has a stable beside it.
    Generation 0 is the state of a model that nobody has asked anything of.
    """

    model: str
    generation: int = 0
    versions: tuple[int, ...] = ()
    labels: Mapping[Label, int] = field(default_factory=dict)
    split: Split = Split()
    topology: Topology = "dedicated"
    mirror: int = 0
    """Share of requests copied to the shadow track, in units of 0.01 %."""
    sticky: Sticky | None = None
    cause: Cause = Cause()

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", tuple(sorted(set(self.versions))))
        object.__setattr__(self, "labels", {Label(k): int(v) for k, v in sorted(self.labels.items())})
        for label, version in self.labels.items():
            if version not in self.versions:
                raise InvalidState(self.model, f"label {label} names version {version}, which is not among {list(self.versions)}")
        if self.split.canary and Label.CANARY not in self.labels:
            raise InvalidState(self.model, f"the canary has {self.split.canary / 100:g} % of the traffic but no label")
        if Label.STABLE not in self.labels and (Label.CANARY in self.labels or Label.PREVIOUS in self.labels):
            raise InvalidState(self.model, "there is a canary or a previous version but no stable one")

    @property
    def stable(self) -> int | None:
        """The version that is live, if any."""
        return self.labels.get(Label.STABLE)

    @property
    def canary(self) -> int | None:
        """The candidate of the running rollout, if any."""
        return self.labels.get(Label.CANARY)

    @property
    def previous(self) -> int | None:
        """The version to return to, if it is kept loaded."""
        return self.labels.get(Label.PREVIOUS)

    def change(self, **changes: Any) -> DesiredState:
        """A copy with these fields changed; the store gives it its generation."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "model": self.model,
            "generation": self.generation,
            "versions": list(self.versions),
            "labels": {str(k): v for k, v in self.labels.items()},
            "split": self.split.to_json(),
            "topology": self.topology,
            "mirror": self.mirror,
            "sticky": None if self.sticky is None else {"header": self.sticky.header, "salt": self.sticky.salt},
            "cause": {"by": self.cause.by, "why": self.cause.why, "at": self.cause.at, "rollout": self.cause.rollout},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DesiredState:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        sticky = data["sticky"]
        return cls(
            model=data["model"],
            generation=data["generation"],
            versions=tuple(data["versions"]),
            labels={Label(k): v for k, v in data["labels"].items()},
            split=Split.from_json(data["split"]),
            topology=data["topology"],
            mirror=data["mirror"],
            sticky=None if sticky is None else Sticky(**sticky),
            cause=Cause(**data["cause"]),
        )
