"""Sentences for a person: what an A/B test has found of its arms."""

from __future__ import annotations

from tfx_rollout.experiment.judge.ledger import ExperimentLedger
from tfx_rollout.experiment.judge.verdict import ArmEvidence, ArmState, ExperimentVerdict
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.rollout.judge.sentences import names, number, percent
from tfx_rollout.traffic import Track

__all__ = ["arm", "effect", "feedback", "named", "number", "reasons", "split"]


def reasons(plan: ExperimentPlan, verdict: ExperimentVerdict, newly: tuple[Track, ...]) -> tuple[str, ...]:
    """Why the verdict is as it is: what was newly decided first, else what is missing."""
    said = [decision(plan, verdict, verdict.arms[track]) for track in newly]
    if verdict.withheld:
        raised = [guard.sentence for guard in verdict.guards.values() if guard.raised]
        said += [*raised, "The metric decides nothing while that is so."]
    if said:
        return tuple(said)
    return (undecided(plan, verdict),)


def decision(plan: ExperimentPlan, verdict: ExperimentVerdict, of: ArmEvidence) -> str:
    """What was decided about one variant."""
    control = verdict.arms[Track.STABLE]
    if of.state is ArmState.HARMFUL:
        return (
            f"{named(of)} fails more often than {named(control)}: {of.failed_users:,} of its {of.users:,} users had a failed "
            f"request ({percent(of.failed_users, of.users)}), {control.failed_users:,} of {control.users:,} "
            f"({percent(control.failed_users, control.users)}) there; evidence {number(of.harm or 0)} of "
            f"{number(verdict.harm_threshold)}."
        )
    better = of.state is ArmState.BETTER
    evidence = of.evidence_better if better else of.evidence_worse
    word = "better" if better else "worse"
    return (
        f"{named(of)} is {word} than {named(control)}: {plan.metric.name} {arm(plan, of)} against {arm(plan, control)}, "
        f"{effect(plan, of)}; evidence {number(evidence or 0)} of {number(verdict.threshold)}."
    )


def undecided(plan: ExperimentPlan, verdict: ExperimentVerdict) -> str:
    """How far it is from a decision."""
    control, variants = verdict.arms[Track.STABLE], [verdict.arms[track] for track in plan.tracks]
    still = [of for of in variants if of.state is ArmState.OPEN]
    few = [of for of in (control, *still) if of.outcomes < plan.min_units]
    if few:
        counts = names([f"{named(of)} {of.outcomes:,}" for of in few])
        return f"Not enough users yet: {counts} of at least {plan.min_units:,} with an outcome."
    if not still:
        return "There is no variant left of which anything could be found."
    leading = max(still, key=lambda of: max(of.evidence_better or 0, of.evidence_worse or 0))
    ahead = (leading.evidence_better or 0) >= (leading.evidence_worse or 0)
    evidence = max(leading.evidence_better or 0, leading.evidence_worse or 0)
    word = "better" if ahead else "worse"
    return (
        f"Undecided: the most evidence is that {named(leading)} is {word} than {named(control)}, {number(evidence)} of "
        f"{number(verdict.threshold)} ({plan.metric.name} {arm(plan, leading)} against {arm(plan, control)}, "
        f"{effect(plan, leading)})."
    )


def named(of: ArmEvidence) -> str:
    """An arm by its version: "version 2 (variant-b)"."""
    return f"Version {of.version} ({of.track})" if of.track is not Track.STABLE else f"version {of.version}"


def arm(plan: ExperimentPlan, of: ArmEvidence) -> str:
    """What the metric is on an arm: "5.2 % of 1,200 users"."""
    if of.value is None:
        return "unknown"
    if plan.metric.kind == "number":
        return f"{of.value:.4g} from {of.outcomes:,} users"
    return f"{percent(of.positives, of.outcomes)} of {of.outcomes:,} users"


def effect(plan: ExperimentPlan, of: ArmEvidence) -> str:
    """How large the difference is: "odds ratio 1.2 (1.02 to 1.4)"."""
    if of.estimate is None or of.low is None:
        return "no difference known"
    top = "any" if of.high is None else f"{of.high:.3g}"
    what = "difference" if plan.metric.kind == "number" else "odds ratio"
    return f"{what} {of.estimate:.3g} ({of.low:.3g} to {top})"


def split(plan: ExperimentPlan, ledger: ExperimentLedger) -> str:
    """How users came to the arms, and how they should have."""
    total = int(ledger.users[0].sum())
    shares = [
        f"{track} got {int(ledger.users[0, i]):,} users ({percent(int(ledger.users[0, i]), total)}) and should have had "
        f"{ledger.expected[0, i]:,.0f} ({percent(float(ledger.expected[0, i]), total)})"
        for i, track in enumerate((Track.STABLE, *plan.tracks))
    ]
    return _capital(names(shares))


def feedback(plan: ExperimentPlan, ledger: ExperimentLedger) -> str:
    """How much feedback is missing on each arm."""
    told = []
    for i, track in enumerate((Track.STABLE, *plan.tracks)):
        due = int(ledger.due[0, i])
        missing = due - int(ledger.outcomes[0, i])
        told.append(f"{missing:,} of the {due:,} users of {track} ({percent(missing, due)})")
    return f"Feedback is missing for {names(told)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
