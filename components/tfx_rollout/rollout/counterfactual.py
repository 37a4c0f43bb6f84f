"""A recorded rollout under another plan: what that plan would have said after each of its windows. Pure.

The windows are those that were recorded, and so are their shares of traffic, their lengths, what counts as a unit in them and
the ages of their labels. So the other plan is asked about the recorded ramp: its bounds, weights, tolerances, limits and
floors, and for each recorded stage the margins and times of that one of its own stages that has the nearest share. From the first
window on where it would have done something else, traffic would have been another one; what it says after that is an answer to
"and if everything had gone on as it did?". What a person did to the rollout is not replayed: time in which it was paused counts
for the stage, and drift that was approved is asked about again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfx_rollout.evidence import Window
from tfx_rollout.rollout.judge import Verdict, begin, judge, open_stage
from tfx_rollout.rollout.plan import Plan, Stage
from tfx_rollout.traffic import Track

STAGE_EVENT = "stage_in_force"
"""The event of the record that says that a stage's split has come in force."""


@dataclass(frozen=True)
class Step:
    """One recorded window, with what was said after it and what the other plan would have said."""

    window: int
    start: float
    end: float
    stage: int
    """Index of the recorded stage; -1 before the first."""
    share: float
    recorded: Verdict | None
    """None where no verdict was written."""
    other: Verdict

    @property
    def differs(self) -> bool:
        """Whether the calls differ."""
        return self.recorded is not None and self.recorded.call is not self.other.call

    def to_json(self) -> dict[str, Any]:
        return {
            "window": self.window,
            "start": self.start,
            "end": self.end,
            "stage": self.stage + 1,
            "share": self.share,
            "recorded": None if self.recorded is None else str(self.recorded.call),
            "other": str(self.other.call),
            "differs": self.differs,
            "reason": self.other.reasons[0] if self.other.reasons else "",
            "e_value": self.other.e_value,
            "threshold": self.other.threshold,
        }


def applied(other: Plan, recorded: Plan) -> Plan:
    """The other plan on the recorded ramp: each recorded stage with margins and times of the nearest one of the other."""
    return replace(other, stages=tuple(_on(_nearest(other.stages, stage), stage) for stage in recorded.stages))


def counterfactual(
    other: Plan,
    recorded: Plan,
    windows: Sequence[Window],
    verdicts: Mapping[int, Verdict],
    events: Sequence[Mapping[str, Any]],
    attempt: int,
) -> list[Step]:
    """Every recorded window as the other plan sees it, in their order.

    `events` are those of the journal, which say when stages came in force; `attempt` counts earlier rollbacks of the version.
    """
    plan = applied(other, recorded)
    opened = {event["stage"]: event["window"] for event in events if event["event"] == STAGE_EVENT}
    state = begin(plan, attempt=attempt)
    steps = []
    for window in windows:
        for stage in sorted(stage for stage, after in opened.items() if after < window.number and stage > state.stage):
            state = open_stage(plan, state, stage, at=window.start)
        state, verdict = judge(plan, state, window)
        share = window.split.share(Track.CANARY)
        steps.append(Step(window.number, window.start, window.end, state.stage, share, verdicts.get(window.number), verdict))
    return steps


def _nearest(stages: Sequence[Stage], to: Stage) -> Stage:
    """Of the stages of the same kind, or else of all, the one whose share has the nearest odds."""
    alike = [stage for stage in stages if stage.kind == to.kind] or list(stages)
    return min(alike, key=lambda stage: abs(_log_odds(stage) - _log_odds(to)))


def _on(margins: Stage, ramp: Stage) -> Stage:
    return replace(margins, share=ramp.share, kind=ramp.kind, mirror=ramp.mirror)


def _log_odds(stage: Stage) -> float:
    share = min(max(stage.mirror or stage.share, 1e-4), 1 - 1e-4)
    return math.log(share / (1 - share))
