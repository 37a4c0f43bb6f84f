"""The state of one A/B test: everything its controller carries from tick to tick.

It is written whole, in one atomic write, before the desired state that it asks for, so that
a controller that dies at any instant leaves either the state before or the state after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from tfx_rollout.experiment.judge import ExperimentJudgeState, ExperimentVerdict
from tfx_rollout.experiment.machine import ExperimentPhase
from tfx_rollout.rollout.state import Segment
from tfx_rollout.traffic import DesiredState, Split, Track

SCHEMA = 1

ExperimentOutcome = Literal["winner", "control", "inconclusive", "stopped", "failed"]
"""What a test came to: a variant is better than the live version; all variants are worse than it or did harm; no
decision until the date; a person stopped it or promoted a variant before that; it could not be carried out."""


@dataclass(frozen=True)
class ExperimentState:
    """One A/B test at one moment. Times are seconds since the epoch."""

    id: str
    model: str
    name: str
    variants: Mapping[Track, int]
    """The version on each variant's track."""
    judge: ExperimentJudgeState
    by: str
    why: str
    created_at: float
    ends_at: float
    """When it ends without a decision."""
    phase: ExperimentPhase = ExperimentPhase.SUBMITTED
    phase_since: float = 0.0
    control: int | None = None
    """The version that was live when the test began: arm A. None before that."""
    dropped: tuple[Track, ...] = ()
    """Variants that were taken out of the test; their shares went to the live version."""
    winner: Track | None = None
    promoted: int | None = None
    """The version that becomes live, or became it, by the test's decision or by an order."""
    before: DesiredState | None = None
    """What was desired when the test began, to which it returns."""
    wanted: DesiredState | None = None
    """The desired state that the test asks for, with the generation it gets."""
    generation: int = 0
    """Which generation of the desired state it asked for when it moved traffic last; 0 before it asked for any. It stays while
    people change what is held beside it, and so names the decision that orders are about."""
    fault_since: float | None = None
    """Since when a variant has had a fault that keeps it from being served; None while none has."""
    primary_restarts: int = 0
    """How often the primary server had died when the phase began, as far as is known."""
    segment: Segment | None = None
    """What windows are being cut from; None while the wanted split is not in force."""
    windows: int = 0
    """Number of the last window that was closed and judged; windows are numbered from 1."""
    judged_until: float = 0.0
    matured: int = 0
    """Number of the last window whose users' outcomes were judged."""
    verdict: ExperimentVerdict | None = None
    outcome: ExperimentOutcome | None = None
    reason: str = ""
    """Why the test is in its phase, in sentences."""
    orders_done: int = 0
    events: int = 0
    """Number of the last event that was recorded."""
    finished_at: float | None = None

    @property
    def moment(self) -> str:
        """Which event, which window, and which window's outcomes were the last ones."""
        return f"e{self.events}w{self.windows}m{self.matured}"

    @property
    def finished(self) -> bool:
        return self.phase is ExperimentPhase.ENDED

    @property
    def decided(self) -> bool:
        """Whether it has nothing more to find out."""
        return self.outcome is not None

    @property
    def left(self) -> tuple[Track, ...]:
        """The variants that are still in the test."""
        return tuple(track for track in self.variants if track not in self.dropped)

    @property
    def versions(self) -> dict[Track, int]:
        """The version of every arm; the control's is known once the test has begun."""
        return {Track.STABLE: self.control or 0, **self.variants}

    @property
    def situation(self) -> dict[str, Any]:
        """What its events tell of it, beside what happened."""
        split = Split() if self.wanted is None else self.wanted.split
        return {
            "window": self.windows,
            "generation": 0 if self.wanted is None else self.wanted.generation,
            "split": {str(track): split.share(track) for track in (Track.STABLE, *self.variants)},
        }

    @property
    def held_since(self) -> bool:
        """Whether people have changed what is held since it moved traffic: what they asked for is not waited for."""
        return self.wanted is not None and self.wanted.generation > self.generation

    @property
    def needed(self) -> frozenset[int]:
        """The versions that it may still ask for: the variants, and all that it may return to."""
        return frozenset((*self.variants.values(), *(() if self.before is None else self.before.versions)))

    def change(self, **changes: Any) -> ExperimentState:
        """A copy with these fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "id": self.id,
            "model": self.model,
            "name": self.name,
            "variants": {str(track): version for track, version in self.variants.items()},
            "by": self.by,
            "why": self.why,
            "created_at": self.created_at,
            "ends_at": self.ends_at,
            "phase": str(self.phase),
            "phase_since": self.phase_since,
            "control": self.control,
            "dropped": [str(track) for track in self.dropped],
            "winner": None if self.winner is None else str(self.winner),
            "promoted": self.promoted,
            "outcome": self.outcome,
            "reason": self.reason,
            "finished_at": self.finished_at,
            "windows": self.windows,
            "judged_until": self.judged_until,
            "matured": self.matured,
            "orders_done": self.orders_done,
            "events": self.events,
            "fault_since": self.fault_since,
            "primary_restarts": self.primary_restarts,
            "segment": None if self.segment is None else {**vars(self.segment), "split": self.segment.split.to_json()},
            "before": None if self.before is None else self.before.to_json(),
            "wanted": None if self.wanted is None else self.wanted.to_json(),
            "generation": self.generation,
            "verdict": None if self.verdict is None else self.verdict.to_json(),
            "judge": self.judge.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ExperimentState:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        segment, before, wanted, verdict = (data[name] for name in ("segment", "before", "wanted", "verdict"))
        return cls(
            id=data["id"],
            model=data["model"],
            name=data["name"],
            variants={Track(track): version for track, version in data["variants"].items()},
            by=data["by"],
            why=data["why"],
            created_at=data["created_at"],
            ends_at=data["ends_at"],
            phase=ExperimentPhase(data["phase"]),
            phase_since=data["phase_since"],
            control=data["control"],
            dropped=tuple(Track(track) for track in data["dropped"]),
            winner=None if data["winner"] is None else Track(data["winner"]),
            promoted=data["promoted"],
            outcome=data["outcome"],
            reason=data["reason"],
            finished_at=data["finished_at"],
            windows=data["windows"],
            judged_until=data["judged_until"],
            matured=data["matured"],
            orders_done=data["orders_done"],
            events=data["events"],
            fault_since=data["fault_since"],
            primary_restarts=data["primary_restarts"],
            segment=None if segment is None else Segment(**{**segment, "split": Split.from_json(segment["split"])}),
            before=None if before is None else DesiredState.from_json(before),
            wanted=None if wanted is None else DesiredState.from_json(wanted),
            # States of before what is held could change beside lack it.
            generation=data.get("generation", 0 if wanted is None else wanted["generation"]),
            verdict=None if verdict is None else ExperimentVerdict.from_json(verdict),
            judge=ExperimentJudgeState.from_json(data["judge"]),
        )
