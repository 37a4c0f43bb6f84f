"""What speaks for or against a model, and which model it is about. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Kind(str, Enum):
    """The evidence there is, in the order in which a pipeline makes it."""

    MODEL_BLESSING = "model_blessing"
    """The Evaluator's: is it good enough on held-back examples?"""
    INFRA_BLESSING = "infra_blessing"
    """The InfraValidator's: does a server answer with it, and rightly?"""
    PUSHED_MODEL = "pushed_model"
    """The VersionedPusher's: is it a version of the base path?"""
    ROLLOUT = "rollout"
    """The CanaryRollout's: did it do no harm under live traffic?"""

    def __str__(self) -> str:
        return self.value.replace("_", " ")


@dataclass(frozen=True)
class Subject:
    """The model to decide about: its content digest, and the artifact it came as."""

    digest: str
    uri: str = ""


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence.

    `passed` is None where it says neither yes nor no: the Evaluator without thresholds
    writes no blessing at all. It is bound to its model by `digest`, or, where its maker
    knows no digests (the stock Evaluator and InfraValidator), by the artifact's `uri`;
    both empty means that it does not say what it is about.
    """

    kind: Kind
    passed: bool | None
    reason: str = ""
    digest: str = ""
    uri: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def about(self, subject: Subject) -> bool | None:
        """Whether it is about this model; None where it does not say."""
        if self.digest:
            return self.digest == subject.digest
        if self.uri and subject.uri:
            return self.uri.rstrip("/") == subject.uri.rstrip("/")
        return None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "passed": self.passed,
            "reason": self.reason,
            "digest": self.digest,
            "uri": self.uri,
            "facts": dict(self.facts),
        }
