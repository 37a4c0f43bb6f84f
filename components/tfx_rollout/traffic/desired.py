"""The desired state: THE truth of what one model's serving should be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tfx_rollout.errors import InvalidState
from tfx_rollout.traffic.split import Split
from tfx_rollout.traffic.track import LABEL_OF, VARIANTS, Label, Track

SCHEMA = 1
Topology = Literal["dedicated", "shared"]

_ALIAS = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


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

    Invariants (checked at construction, `InvalidState`): labels and aliases name versions
    that are held, pinned versions are held; a track with weight has its label; a canary and
    a variant have a stable beside them, and are not there together; an alias is none of the
    project's labels. Generation 0 is the state of a model that nobody has asked anything of.
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
    pinned: tuple[int, ...] = ()
    """Versions that stay loaded whatever rollouts do, until they are unpinned."""
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Labels of the operator's own. Clients may ask for them; no track leads to them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "versions", tuple(sorted(set(self.versions))))
        object.__setattr__(self, "labels", {Label(k): int(v) for k, v in sorted(self.labels.items())})
        object.__setattr__(self, "pinned", tuple(sorted(set(self.pinned))))
        object.__setattr__(self, "aliases", {str(k): int(v) for k, v in sorted(self.aliases.items())})
        self._check_held()
        self._check_tracks()

    def _check_held(self) -> None:
        """Whether everything that is named is held, under a name that may be used."""
        held = f"which is not among {list(self.versions)}"
        for label, version in self.labels.items():
            if version not in self.versions:
                raise InvalidState(self.model, f"label {label} names version {version}, {held}")
        for version in self.pinned:
            if version not in self.versions:
                raise InvalidState(self.model, f"version {version} is pinned, {held}")
        for alias, version in self.aliases.items():
            fault = alias_fault(alias)
            if fault is not None:
                raise InvalidState(self.model, fault)
            if version not in self.versions:
                raise InvalidState(self.model, f"alias {alias} names version {version}, {held}")

    def _check_tracks(self) -> None:
        """Whether the tracks with weight can be served, and go together."""
        if self.split.canary and Label.CANARY not in self.labels:
            raise InvalidState(self.model, f"the canary has {self.split.canary / 100:g} % of the traffic but no label")
        for track, units in self.split.variants.items():
            if LABEL_OF[track] not in self.labels:
                raise InvalidState(self.model, f"{track} has {units / 100:g} % of the traffic but no label")
        if Label.STABLE not in self.labels and (Label.CANARY in self.labels or Label.PREVIOUS in self.labels):
            raise InvalidState(self.model, "there is a canary or a previous version but no stable one")
        if Label.STABLE not in self.labels and self.variants:
            raise InvalidState(self.model, f"there is {next(iter(self.variants))} but no stable version, the arm beside it")
        if Label.CANARY in self.labels and self.variants:
            raise InvalidState(
                self.model, f"there are a canary and {next(iter(self.variants))}; a model has one of the two at a time"
            )

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

    @property
    def variants(self) -> dict[Track, int]:
        """The version of each variant of the running A/B test, by its track."""
        return {track: self.labels[LABEL_OF[track]] for track in VARIANTS if LABEL_OF[track] in self.labels}

    @property
    def kept(self) -> frozenset[int]:
        """The versions that the operator keeps, whatever rollouts do: pinned ones, and those that aliases name."""
        return frozenset((*self.pinned, *self.aliases.values()))

    @property
    def loaded(self) -> frozenset[int]:
        """The versions that are held though nothing names or pins them: those that were loaded by hand."""
        return frozenset(self.versions) - self.kept - frozenset(self.labels.values())

    @property
    def names(self) -> dict[str, int]:
        """Every name that a client can ask for: labels and aliases."""
        return {**{str(label): version for label, version in self.labels.items()}, **self.aliases}

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
            "pinned": list(self.pinned),
            "aliases": dict(self.aliases),
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
            # Files of before there were pins and aliases lack them.
            pinned=tuple(data.get("pinned", ())),
            aliases=data.get("aliases", {}),
        )


def alias_fault(name: str) -> str | None:
    """What is wrong with the name of an alias, as part of a sentence; None when nothing is."""
    if name in {label.value for label in Label}:
        return f"{name!r} is a label of this program and cannot be an alias"
    if not _ALIAS.fullmatch(name):
        return (
            f"the alias {name!r} is not 1 to 63 lower-case letters, digits, dots, dashes or underscores, "
            "beginning with a letter or digit"
        )
    return None
