"""From the evidence to the verdict: the call on one rollout, and the sentences for a person.

A function of plan and state alone, so a state that is read back gives the same verdict again.
"""

from __future__ import annotations

import math
from dataclasses import replace

from tfx_rollout.analysis import GateEvidence, MetricEvidence, e_value, flagged, windows_to_go
from tfx_rollout.rollout.judge import found, sentences
from tfx_rollout.rollout.judge.calls import CALLS, Calls, calls
from tfx_rollout.rollout.judge.layout import EVIDENCE_GATES, Layout, layout
from tfx_rollout.rollout.judge.ledger import ASKERS, BEFORE
from tfx_rollout.rollout.judge.sentences import number
from tfx_rollout.rollout.judge.state import JudgeState
from tfx_rollout.rollout.judge.verdict import Call, Verdict
from tfx_rollout.rollout.plan import Plan


def assess(plan: Plan, state: JudgeState) -> Verdict:
    """The verdict on a state."""
    made, columns = calls(plan, state.ledger), layout(plan)
    call, before = CALLS[int(made.call[0])], state.stage == BEFORE
    gates = {} if before else found.gates(columns, state, made)
    verdict = Verdict(
        call=call,
        reasons=(),
        e_value=e_value(float(made.log_evidence[0])),
        threshold=plan.rollback_threshold(state.attempt),
        metrics=found.metrics(columns, state),
        gates=gates,
        guards=found.guards(state, made),
        flagged=_blamed(columns, made),
        asking=tuple(name for name, asks in zip(ASKERS, made.asking[0], strict=True) if asks),
        remaining=_remaining(plan, state, made, gates) if call is Call.HOLD else None,
    )
    return replace(verdict, reasons=tuple(_reasons(plan, state, made, verdict)))


def _blamed(columns: Layout, made: Calls) -> tuple[str, ...]:
    if made.log_evidence[0] < made.log_threshold:
        return ()
    mask = flagged(made.log_metrics[0], columns.weights, math.exp(made.log_threshold))
    return tuple(name for name, guilty in zip(columns.metrics, mask, strict=True) if guilty)


def _reasons(plan: Plan, state: JudgeState, made: Calls, verdict: Verdict) -> list[str]:
    if verdict.call is Call.ROLLBACK:
        return [_against(plan, state, made, verdict), _blame(verdict)]
    if verdict.call is Call.ASK:
        return _asks(verdict, _against(plan, state, made, verdict))
    if state.stage == BEFORE:
        return ["No stage is open yet: the windows so far only show what the stable version is like."]
    stage = f"Stage {state.stage + 1} of {len(plan.stages)} ({_what(plan, state.stage)})"
    missing = [gate.sentence for gate in verdict.gates.values() if not gate.passed]
    burst = []
    if made.burst[0]:
        burst = [
            f"{_against(plan, state, made, verdict)} All of it comes from one window, which may be a burst: another one has to "
            "confirm it."
        ]
    if verdict.call in (Call.PASS, Call.ADVANCE):
        return [f"{stage} has passed.", *(gate.sentence for name, gate in verdict.gates.items() if name in EVIDENCE_GATES)]
    if verdict.call is Call.INCONCLUSIVE:
        most = plan.stages[state.stage].max_seconds
        return [f"{stage} has had its {most:g} s and is still undecided.", *burst, *missing]
    goes_on = f"{stage} goes on" + (f", for {verdict.remaining}." if verdict.remaining else ".")
    return [*burst, goes_on, *missing]


def _against(plan: Plan, state: JudgeState, made: Calls, verdict: Verdict) -> str:
    """What speaks most against the canary, how much, and since when."""
    columns, leading = layout(plan), int(made.leading[0])
    metric = verdict.metrics[columns.metrics[leading]]
    lasted = max(0.0, state.ended_at - float(state.ledger.since[0, leading]))
    follows = "a person is asked" if columns.asks[leading] else "it is rolled back"
    return (
        f"{sentences.event(plan, metric.name, metric.leading)}: the evidence against it is {number(verdict.e_value)} "
        f"(from {number(verdict.threshold)} on {follows}), raised in {metric.raised_in} of {metric.windows} windows "
        f"and built up over the last {sentences.duration(lasted)}."
    )


def _blame(verdict: Verdict) -> str:
    """Which metrics are to blame, and by which margin."""

    def margin(metric: MetricEvidence) -> str:
        times = number(metric.e_value / verdict.threshold)
        return f"{metric.name} (evidence {number(metric.e_value)} by itself, {times} times the limit)"

    if verdict.flagged:
        return f"To blame: {sentences.names([margin(verdict.metrics[name]) for name in verdict.flagged])}."
    total = sum(metric.weight * metric.e_value for metric in verdict.metrics.values())
    most = max(verdict.metrics.values(), key=lambda metric: metric.weight * metric.e_value)
    part = sentences.percent(most.weight * most.e_value, total)
    return f"No metric is to blame by itself; {most.name} contributes most to the evidence ({part})."


def _asks(verdict: Verdict, against: str) -> list[str]:
    reasons = []
    if "predictions" in verdict.asking:
        reasons.append(f"The predictions have drifted, and a person has to say whether that is meant. {against}")
        reasons.append(_blame(verdict))
    raised = [guard for name, guard in verdict.guards.items() if name in verdict.asking]
    return reasons + [f"The comparison is not to be trusted, and a person has to look: {guard.sentence}" for guard in raised]


def _what(plan: Plan, stage: int) -> str:
    opened = plan.stages[stage]
    if opened.kind == "shadow":
        return f"copies of {100 * opened.mirror:g} % of the requests"
    if opened.kind == "header":
        return "requests that ask for it"
    return f"{100 * opened.share:g} % of the traffic"


def _remaining(plan: Plan, state: JudgeState, made: Calls, gates: dict[str, GateEvidence]) -> str | None:
    """How much longer until all gates are passed, if all goes on as in this stage so far; None where it cannot be told."""
    windows, elapsed = int(state.ledger.stage_windows[0]), float(made.gates.elapsed[0])
    length = elapsed / windows if windows else plan.window_seconds
    seconds = [_seconds_for(state, made, gate, length) for gate in gates.values() if not gate.passed]
    known = [time for time in seconds if time is not None]
    if not known or len(known) < len(seconds):
        return None
    return f"about {sentences.duration(max(known)).replace(' ', ' more ', 1)} at this rate"


def _seconds_for(state: JudgeState, made: Calls, gate: GateEvidence, length: float) -> float | None:
    if gate.name == "time":
        return gate.needed - gate.value
    if gate.name == "windows":
        return (gate.needed - gate.value) * length
    if gate.name == "requests":
        return (gate.needed - gate.value) / gate.value * float(made.gates.elapsed[0]) if gate.value else None
    if gate.name not in EVIDENCE_GATES:
        return None
    log = float(made.gates.logs[0, EVIDENCE_GATES.index(gate.name)])
    windows = windows_to_go(log, math.log(gate.needed), int(state.ledger.stage_windows[0]))
    return None if windows is None else windows * length
