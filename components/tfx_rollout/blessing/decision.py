"""From evidence and policy to one word: promote or refuse. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfx_rollout.blessing.evidence import Evidence, Subject
from tfx_rollout.blessing.policy import Policy

SCHEMA = 1


@dataclass(frozen=True)
class Decision:
    """Whether the model may be live. `reasons` say why not, one sentence each; empty when it may."""

    subject: Subject
    policy: Policy
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]

    @property
    def promote(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def reason(self) -> str:
        """All reasons in one line, or what speaks for the model."""
        if self.reasons:
            return "; ".join(self.reasons)
        return "all required evidence is there and says yes: " + ", ".join(str(kind) for kind in self.policy.required)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "promote": self.promote,
            "reasons": list(self.reasons),
            "reason": self.reason,
            "model": {"digest": self.subject.digest, "uri": self.subject.uri},
            "policy": self.policy.to_json(),
            "evidence": [piece.to_json() for piece in self.evidence],
        }


def decide(subject: Subject, evidence: Sequence[Evidence], policy: Policy) -> Decision:
    """Promote only if every required piece is there, is about exactly this model, and says yes."""
    by_kind = {piece.kind: piece for piece in evidence}
    reasons = []
    for kind in policy.required:
        piece = by_kind.get(kind)
        if piece is None:
            reasons.append(f"the {kind} is required and was not given")
        elif fault := _fault(piece, subject, policy):
            reasons.append(fault)
    return Decision(subject, policy, tuple(evidence), tuple(reasons))


def _fault(piece: Evidence, subject: Subject, policy: Policy) -> str | None:
    about = piece.about(subject)
    if about is False:
        other = piece.digest or piece.uri
        return f"the {piece.kind} is about another model ({other}), not about {subject.digest}"
    if about is None and piece.passed is True and policy.unbound == "refuse":
        return f"the {piece.kind} does not say which model it is about"
    if piece.passed is None:
        return f"the {piece.kind} says neither yes nor no" + (f" ({piece.reason})" if piece.reason else "")
    if not piece.passed:
        return f"the {piece.kind} says no" + (f": {piece.reason}" if piece.reason else "")
    return None
