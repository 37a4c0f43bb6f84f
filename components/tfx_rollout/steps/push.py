"""The push as a step: a model becomes a version where every blessing that was given is a yes about this very model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.audit import record_refused_step, step_recorded
from tfx_rollout.blessing import Evidence, Policy, Subject, decide
from tfx_rollout.model_store import BasePath, Published, content_digest

PUBLISH = "publish a version"


@dataclass(frozen=True)
class PushResult:
    """What became of a push. `published` is None where a blessing spoke against the model; that is no fault."""

    published: Published | None
    reason: str
    digest: str

    @property
    def pushed(self) -> bool:
        """Whether the model is a version now."""
        return self.published is not None


def push(base: BasePath, model: Path, evidence: Sequence[Evidence], *, uri: str, provenance: Mapping[str, str]) -> PushResult:
    """Make the SavedModel in `model` a version, atomically, unless a piece of evidence refuses it or is about another one.

    `uri` is the model's name elsewhere, by which some blessings know it. Moves no traffic.
    Raises what `BasePath.publish` raises.
    """
    subject = Subject(content_digest(model), uri)
    by, facts = provenance.get("by", ""), {"run": provenance.get("run"), "source": uri, "digest": subject.digest}
    # Blessings of other components name no model; that a yes is about another one is told all the same.
    decision = decide(subject, evidence, Policy(tuple(piece.kind for piece in evidence), unbound="accept"))
    if not decision.promote:
        record_refused_step(base, by, PUBLISH, decision.reason, **facts)
        return PushResult(None, decision.reason, subject.digest)
    with step_recorded(base, by, PUBLISH, **facts) as note:
        published = base.publish(model, provenance=provenance)
        note(f"version {published.version}" + ("" if published.created else ", which was there already"))
    return PushResult(
        published, "every connected blessing says yes" if evidence else "no blessing is connected", published.digest
    )
