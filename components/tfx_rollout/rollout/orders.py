"""Orders: what people and BlessingCheck ask of a running rollout. Values; `operations` sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any, Literal, get_args

from tfx_rollout.errors import InvalidInput
from tfx_rollout.rollout.state import RolloutState

OrderKind = Literal["approve", "promote", "pause", "resume", "skip", "abort", "rollback", "supersede"]
ORDER_KINDS: tuple[OrderKind, ...] = get_args(OrderKind)


@dataclass(frozen=True)
class Expectation:
    """What an order takes for granted: it is refused when any of this has changed meanwhile."""

    rollout: str
    generation: int
    """The generation of the desired state that the rollout asks for (`RolloutState.generation`)."""
    digest: str
    """Content digest of the candidate."""

    @classmethod
    def of(cls, state: RolloutState) -> Expectation:
        """The rollout exactly as it is in this state."""
        return cls(state.id, state.generation, state.digest)

    def broken_by(self, state: RolloutState) -> str | None:
        """In words, what is not as expected; None when all of it is."""
        if self.rollout != state.id:
            return f"it was meant for rollout {self.rollout}, this is {state.id}"
        if self.digest != state.digest:
            return f"it was meant for the model with digest {self.digest}, the candidate has {state.digest}"
        if self.generation != state.generation:
            return f"it was meant for generation {self.generation} of the desired state, the rollout is at {state.generation}"
        return None


@dataclass(frozen=True)
class Order:
    """One order. Numbers grow by one within a rollout; `at` is in seconds since the epoch."""

    number: int
    kind: OrderKind
    by: str
    why: str
    at: float
    expect: Expectation | None = None
    now: bool = False
    """Whether a rollback leaves out the steps of the plan's way back."""

    def __post_init__(self) -> None:
        if self.kind not in ORDER_KINDS:
            raise InvalidInput(f"There is no order {self.kind!r}; choose one of {', '.join(ORDER_KINDS)}.")
        if self.now and self.kind != "rollback":
            raise InvalidInput(f"Only a rollback can be ordered at once, not to {self.kind}; leave `now` out.")

    def __str__(self) -> str:
        """Who ordered what and when, as a part of a sentence."""
        at = datetime.fromtimestamp(self.at, timezone.utc)
        return f"{self.by} ordered to {self.kind} at {at:%H:%M:%S} UTC ({self.why})"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Order:
        expect = data["expect"]
        return cls(**{**data, "expect": None if expect is None else Expectation(**expect)})
