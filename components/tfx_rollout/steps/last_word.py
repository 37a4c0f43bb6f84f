"""The last word on a model, as a step: from all evidence, once, and the rollout does what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tfx_rollout.blessing import Decision, Evidence, Policy, Subject, decide
from tfx_rollout.model_store import BasePath
from tfx_rollout.steps.canary import Outcome, Say, settle
from tfx_rollout.steps.page import Row, render_page


@dataclass(frozen=True)
class LastWord:
    """What was decided, and what became of the rollout by it."""

    decision: Decision
    found: Outcome

    @property
    def blessed(self) -> bool:
        """Whether the model may be live and is: what was refused, or undone on the way, is not blessed."""
        return self.decision.promote and self.found.passed

    @property
    def reason(self) -> str:
        """Why it is blessed or not, in one line."""
        if self.blessed or not self.decision.promote:
            return self.decision.reason
        return f"the rollout ended as {self.found.outcome}: {self.found.reason}"

    def to_json(self) -> dict[str, Any]:
        return {**self.decision.to_json(), "blessed": self.blessed, "rollout": self.found.to_json()}

    def to_html(self) -> str:
        """The report as a page."""
        words = {True: "yes", False: "no", None: "neither yes nor no"}
        rows = [
            Row(
                (str(piece.kind), "required" if piece.kind in self.decision.policy.required else "not required", piece.reason),
                words[piece.passed],
                piece.passed,
            )
            for piece in self.decision.evidence
        ]
        said = "blessed" if self.blessed else "not blessed"
        return render_page("Blessing check", said, self.blessed, self.reason, ("evidence", "policy", "reason", "word"), rows)


def say_last_word(
    base: BasePath,
    subject: Subject,
    evidence: Sequence[Evidence],
    policy: Policy,
    found: Outcome,
    *,
    by: str,
    timeout_s: float | None = None,
    say: Say = lambda _: None,
) -> LastWord:
    """Decide about the model, and have a rollout that holds (`found`) promoted or rolled back, and await the end of it.

    Run again after it was killed it comes to the same decision, and finds the rollout as it
    then is. Raises what `settle` raises.
    """
    decision = decide(subject, evidence, policy)
    return LastWord(decision, settle(base, found, decision.promote, by=by, why=decision.reason, timeout_s=timeout_s, say=say))
