"""The state of one rollout: everything its controller carries from tick to tick.

It is written whole, in one atomic write, before the desired state that it asks for, so that
a controller that dies at any instant leaves either the state before or the state after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal

from tfx_rollout.rollout.judge import JudgeState, Verdict
from tfx_rollout.traffic import DesiredState, Split, Track

SCHEMA = 2
Outcome = Literal["promoted", "first_version", "rolled_back", "failed"]


class Phase(str, Enum):
    """Where a rollout is. `machine` has the transitions, the one place where a phase changes."""

    QUEUED = "queued"
    """Waits for the rollout before it."""
    SUBMITTED = "submitted"
    """Accepted; nothing was changed yet."""
    LOADING = "loading"
    """The candidate is loaded beside stable, without traffic."""
    GOING_LIVE = "going_live"
    """A first version is loaded, and gets all traffic when it is there: nothing is live that it could be compared with."""
    RUNNING = "running"
    """A stage's share is in force, or on its way; windows are judged."""
    PAUSED = "paused"
    """A person has halted it: traffic stays as it is and is watched, the time does not count, a regression is rolled back."""
    AWAITING_APPROVAL = "awaiting_approval"
    """A person has to say go on; windows are still judged, and a regression is rolled back."""
    HOLDING = "holding"
    """All stages have passed; the last share is held, and watched, until promotion, rollback or the deadline."""
    PROMOTING = "promoting"
    """The candidate becomes stable."""
    STEPPING_BACK = "stepping_back"
    """The canary's share falls step by step, so that stable warms up for the traffic that comes back."""
    ROLLING_BACK = "rolling_back"
    """What was before comes back."""
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    """It could not be carried out, for a reason that says nothing about the candidate."""

    def __str__(self) -> str:
        return self.value


FINISHED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK, Phase.FAILED})
WATCHED = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.AWAITING_APPROVAL, Phase.HOLDING})
"""Phases in which the canary has traffic, hence windows are closed and judged."""


@dataclass(frozen=True)
class Segment:
    """A stretch of time under one split, from `since` (seconds since the epoch) on: windows are cut from it."""

    split: Split
    since: float
    in_force_since: float
    """Since when split and routes have been as they are, which tells this stretch from others."""
    until: float | None = None
    """Its end, where the next stage needs no other traffic; otherwise it ends when another split comes in force."""


@dataclass(frozen=True)
class Interruption:
    """What a rollout was doing when it was paused, or asked about its candidate. It goes on with that."""

    phase: Phase
    lasted: float
    """Seconds for which the phase had lasted by then."""
    delay: float = 0.0
    """Seconds by which the judge's stage has been delayed for it so far."""


@dataclass(frozen=True)
class RolloutState:
    """One rollout at one moment. Times are seconds since the epoch."""

    id: str
    model: str
    version: int
    """The candidate."""
    digest: str
    """The candidate's content digest."""
    plan_name: str
    judge: JudgeState
    by: str
    why: str
    created_at: float
    attempt: int = 0
    """How often this version was rolled back before."""
    phase: Phase = Phase.SUBMITTED
    phase_since: float = 0.0
    stage: int = -1
    """Index of the stage that is wanted; -1 before the first."""
    stage_since: float = 0.0
    """Since when the stage has been wanted; the judge knows when its split came in force."""
    before: DesiredState | None = None
    """What was desired when the rollout began, to which a rollback returns."""
    wanted: DesiredState | None = None
    """The desired state that the rollout asks for, with the generation it gets."""
    generation: int = 0
    """Which generation of the desired state it asked for when it moved traffic last; 0 before it asked for any. It stays while
    people change what is held beside it, and so names the decision that orders are about."""
    fault_since: float | None = None
    """Since when the candidate has had a fault that keeps it from being served; None while it has none."""
    primary_restarts: int = 0
    """How often the primary server had died when the phase began, as far as is known."""
    interrupted: Interruption | None = None
    """What is interrupted by the present phase; None where an approval leads on to the next stage."""
    asked: tuple[str, ...] = ()
    """What the judge has asked about (`Verdict.asking`) and an approval accepts."""
    segment: Segment | None = None
    """What windows are being cut from; None while the wanted split is not in force."""
    windows: int = 0
    """Number of the last window that was judged; windows are numbered from 1."""
    judged_until: float = 0.0
    verdict: Verdict | None = None
    """The last verdict."""
    outcome: Outcome | None = None
    reason: str = ""
    """Why the rollout is in its phase, in sentences."""
    orders_done: int = 0
    events: int = 0
    """Number of the last event that was recorded."""
    finished_at: float | None = None

    @property
    def stable(self) -> int | None:
        """The version that was live when the rollout began."""
        return None if self.before is None else self.before.stable

    @property
    def moment(self) -> str:
        """Which event and which window were the last ones."""
        return f"e{self.events}w{self.windows}"

    @property
    def situation(self) -> dict[str, Any]:
        """What its events tell of it, beside what happened."""
        return {
            "stage": self.stage,
            "window": self.windows,
            "generation": 0 if self.wanted is None else self.wanted.generation,
            "share": 0.0 if self.wanted is None else self.wanted.split.share(Track.CANARY),
        }

    @property
    def held_since(self) -> bool:
        """Whether people have changed what is held since it moved traffic: what they asked for is not waited for."""
        return self.wanted is not None and self.wanted.generation > self.generation

    @property
    def needed(self) -> frozenset[int]:
        """The versions that it may still ask for: the candidate, and all that it may return to."""
        return frozenset((self.version, *(() if self.before is None else self.before.versions)))

    @property
    def finished(self) -> bool:
        return self.phase in FINISHED

    @property
    def first_version(self) -> bool:
        """Whether nothing was live when it began, so that there was no canary."""
        return self.before is not None and self.before.stable is None

    @property
    def passed(self) -> bool:
        """Whether the candidate has passed all its stages (a first version: is live), or somebody promoted it all the same,
        and it was not rolled back since."""
        return self.phase in (Phase.HOLDING, Phase.PROMOTING, Phase.PROMOTED)

    @property
    def decided(self) -> bool:
        """Whether the rollout itself has nothing more to find out: it has ended, or holds for the blessing."""
        return self.finished or self.phase is Phase.HOLDING

    def change(self, **changes: Any) -> RolloutState:
        """A copy with these fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "id": self.id,
            "model": self.model,
            "version": self.version,
            "digest": self.digest,
            "plan_name": self.plan_name,
            "attempt": self.attempt,
            "by": self.by,
            "why": self.why,
            "created_at": self.created_at,
            "phase": str(self.phase),
            "phase_since": self.phase_since,
            "stage": self.stage,
            "stage_since": self.stage_since,
            "outcome": self.outcome,
            "reason": self.reason,
            "finished_at": self.finished_at,
            "windows": self.windows,
            "judged_until": self.judged_until,
            "orders_done": self.orders_done,
            "events": self.events,
            "fault_since": self.fault_since,
            "primary_restarts": self.primary_restarts,
            "interrupted": None if self.interrupted is None else {**vars(self.interrupted), "phase": str(self.interrupted.phase)},
            "asked": list(self.asked),
            "segment": None if self.segment is None else {**vars(self.segment), "split": self.segment.split.to_json()},
            "before": None if self.before is None else self.before.to_json(),
            "wanted": None if self.wanted is None else self.wanted.to_json(),
            "generation": self.generation,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "judge": self.judge.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RolloutState:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        segment, before, wanted, verdict = (data[name] for name in ("segment", "before", "wanted", "verdict"))
        interrupted = data["interrupted"]
        return cls(
            id=data["id"],
            model=data["model"],
            version=data["version"],
            digest=data["digest"],
            plan_name=data["plan_name"],
            attempt=data["attempt"],
            by=data["by"],
            why=data["why"],
            created_at=data["created_at"],
            phase=Phase(data["phase"]),
            phase_since=data["phase_since"],
            stage=data["stage"],
            stage_since=data["stage_since"],
            outcome=data["outcome"],
            reason=data["reason"],
            finished_at=data["finished_at"],
            windows=data["windows"],
            judged_until=data["judged_until"],
            orders_done=data["orders_done"],
            events=data["events"],
            interrupted=None if interrupted is None else Interruption(**{**interrupted, "phase": Phase(interrupted["phase"])}),
            asked=tuple(data["asked"]),
            segment=None if segment is None else Segment(**{**segment, "split": Split.from_json(segment["split"])}),
            before=None if before is None else DesiredState.from_json(before),
            wanted=None if wanted is None else DesiredState.from_json(wanted),
            # States of before what is held could change beside lack it.
            generation=data.get("generation", 0 if wanted is None else wanted["generation"]),
            verdict=None if verdict is None else Verdict.from_json(verdict),
            fault_since=data["fault_since"],
            primary_restarts=data["primary_restarts"],
            judge=JudgeState.from_json(data["judge"]),
        )
