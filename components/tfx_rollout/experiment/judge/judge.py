"""The judge of one A/B test: folds windows into evidence, and says after each what is found.

Pure and deterministic: plan, state and record in, state and verdict out. It is `fold` and `decide` with one row.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tfx_rollout.analysis import GuardEvidence, e_value
from tfx_rollout.analysis.effect_mean import mean_interval
from tfx_rollout.analysis.effect_odds import odds_estimate, odds_interval
from tfx_rollout.experiment.judge import sentences
from tfx_rollout.experiment.judge.decide import GUARD_THRESHOLD, GUARDS, Findings, decided, findings, harm_threshold
from tfx_rollout.experiment.judge.fold import ArrivalBatch, OutcomeBatch, fold_arrivals, fold_outcomes
from tfx_rollout.experiment.judge.ledger import BETTER, OPEN, STATES, begin_many
from tfx_rollout.experiment.judge.state import ExperimentJudgeState
from tfx_rollout.experiment.judge.verdict import ArmEvidence, ArmState, ExperimentVerdict
from tfx_rollout.experiment.plan import ExperimentPlan
from tfx_rollout.experiment.window import ExperimentWindow, MaturedWindow
from tfx_rollout.traffic import Track


def begin_experiment(plan: ExperimentPlan) -> ExperimentJudgeState:
    """The state before anything was seen."""
    return ExperimentJudgeState(begin_many(plan, 1))


def judge_arrivals(
    plan: ExperimentPlan, state: ExperimentJudgeState, window: ExperimentWindow, versions: dict[Track, int]
) -> tuple[ExperimentJudgeState, ExperimentVerdict]:
    """The state after this closed window, and the verdict. A void window changes nothing, nor does one judged before.

    `versions` are those of all arms, for the verdict to name.
    """
    if not window.void:
        state = ExperimentJudgeState(fold_arrivals(plan, state.ledger, ArrivalBatch.of(plan, window)))
    return _judged(plan, state, versions)


def judge_outcomes(
    plan: ExperimentPlan, state: ExperimentJudgeState, window: MaturedWindow, versions: dict[Track, int]
) -> tuple[ExperimentJudgeState, ExperimentVerdict]:
    """The state after the outcomes of a window's users, and the verdict."""
    return _judged(plan, ExperimentJudgeState(fold_outcomes(plan, state.ledger, OutcomeBatch.of(plan, window))), versions)


def assess(plan: ExperimentPlan, state: ExperimentJudgeState, versions: dict[Track, int]) -> ExperimentVerdict:
    """The verdict on a state as it is, with nothing newly decided."""
    return _verdict(plan, state, findings(plan, state.ledger), versions, ())


def _judged(
    plan: ExperimentPlan, state: ExperimentJudgeState, versions: dict[Track, int]
) -> tuple[ExperimentJudgeState, ExperimentVerdict]:
    found = findings(plan, state.ledger)
    after = decided(plan, state.ledger, found)
    newly = tuple(track for i, track in enumerate(plan.tracks) if after[0, i] != state.ledger.state[0, i])
    state = replace(state, ledger=state.ledger.change(state=after))
    return state, _verdict(plan, state, found, versions, newly)


def _verdict(
    plan: ExperimentPlan,
    state: ExperimentJudgeState,
    found: Findings,
    versions: dict[Track, int],
    newly: tuple[Track, ...],
) -> ExperimentVerdict:
    arms = _arms(plan, state, found, versions)
    guards = _guards(plan, state, found)
    better = [track for track in plan.tracks if arms[track].state is ArmState.BETTER]
    drop = tuple(track for track in newly if arms[track].state in (ArmState.WORSE, ArmState.HARMFUL))
    verdict = ExperimentVerdict(
        reasons=(),
        threshold=1 / plan.alpha,
        harm_threshold=harm_threshold(plan),
        arms=arms,
        guards=guards,
        winner=_best(plan, arms, better),
        drop=drop,
        withheld=bool(found.withheld[0]),
    )
    return replace(verdict, reasons=sentences.reasons(plan, verdict, newly))


def _best(plan: ExperimentPlan, arms: dict[Track, ArmEvidence], better: list[Track]) -> Track | None:
    """Of the variants that are proven better the one with the best estimate."""
    sign = 1 if plan.metric.better == "higher" else -1
    return max(better, key=lambda track: sign * (arms[track].estimate or 0.0), default=None)


def _arms(
    plan: ExperimentPlan, state: ExperimentJudgeState, found: Findings, versions: dict[Track, int]
) -> dict[Track, ArmEvidence]:
    row, arms = state.ledger, dict[Track, ArmEvidence]()
    for i, track in enumerate((Track.STABLE, *plan.tracks)):
        outcomes, positives = int(row.outcomes[0, i]), int(row.positives[0, i])
        total = float(row.sums[0, i]) if plan.metric.kind == "number" else positives
        arm = ArmEvidence(
            track=track,
            version=versions[track],
            state=ArmState.CONTROL,
            users=int(row.users[0, i]),
            requests=int(row.requests[0, i]),
            failed_users=int(row.failed[0, i]),
            outcomes=outcomes,
            positives=positives,
            value=total / outcomes if outcomes else None,
        )
        arms[track] = arm if track is Track.STABLE else _variant(plan, state, found, i - 1, arm, arms[Track.STABLE])
    return arms


def _variant(
    plan: ExperimentPlan, state: ExperimentJudgeState, found: Findings, i: int, arm: ArmEvidence, control: ArmEvidence
) -> ArmEvidence:
    estimate = low = high = None
    if arm.value is not None and control.value is not None:
        # Each at its share of the alpha, so that all intervals hold together.
        alpha, logs = plan.alpha / len(plan.variants), state.ledger.logs[0, i]
        if plan.metric.kind == "number":
            assert plan.metric.low is not None
            assert plan.metric.high is not None
            estimate = arm.value - control.value
            low, high = mean_interval(logs[1:], alpha, plan.metric.high - plan.metric.low)
        else:
            estimate = odds_estimate(logs)
            low, high = odds_interval(logs, alpha)
    return replace(
        arm,
        state=STATES[state.ledger.state[0, i]],
        estimate=_short(estimate),
        low=_short(low),
        high=None if high is None or math.isinf(high) else _short(high),
        evidence_better=_short(e_value(float(found.log_better[0, i]))),
        evidence_worse=_short(e_value(float(found.log_worse[0, i]))),
        harm=_short(e_value(float(found.log_harm[0, i]))),
    )


def _guards(plan: ExperimentPlan, state: ExperimentJudgeState, found: Findings) -> dict[str, GuardEvidence]:
    row, guards = state.ledger, {}
    seen = {"split": int(row.users[0].sum()), "feedback": int(row.due[0].sum()) if plan.metric.kind != "event" else 0}
    for i, name in enumerate(GUARDS):
        if seen[name]:
            value = e_value(float(found.log_guards[0, i]))
            said = sentences.split(plan, row) if name == "split" else sentences.feedback(plan, row)
            evidence = sentences.number(value)
            sentence = f"{said}: evidence {evidence} of {sentences.number(GUARD_THRESHOLD)} that the arms cannot be compared."
            guards[name] = GuardEvidence(name, value >= GUARD_THRESHOLD, value, GUARD_THRESHOLD, sentence)
    return guards


def _short(value: float | None) -> float | None:
    """A number for people: six digits."""
    return None if value is None else float(f"{value:.6g}")


def variants_left(state: ExperimentJudgeState, plan: ExperimentPlan) -> tuple[Track, ...]:
    """The variants that are still in the test: neither worse nor harmful."""
    kept = (OPEN, BETTER)
    return tuple(track for track, code in zip(plan.tracks, state.ledger.state[0], strict=True) if int(code) in kept)
