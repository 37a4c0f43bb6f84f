"""What a journal has to know of the values in it: a plan, a state, orders."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar


class RecordedPlan(Protocol):
    """What was asked for. It never changes."""

    def to_json(self) -> dict[str, Any]: ...


class RecordedState(Protocol):
    """How it stands: all that its controller carries from step to step."""

    @property
    def id(self) -> str: ...

    @property
    def events(self) -> int:
        """Number of the last event that counts."""

    @property
    def orders_done(self) -> int:
        """Number of the last order that was taken up."""

    @property
    def moment(self) -> str:
        """Differs after every event, and after all else that is decided upon."""

    @property
    def outcome(self) -> str | None:
        """What it came to, once that is known."""

    @property
    def finished(self) -> bool:
        """Whether it has ended; then nothing of it changes any more."""

    @property
    def decided(self) -> bool:
        """Whether it has nothing more to find out by itself."""

    def to_json(self) -> dict[str, Any]: ...


class RecordedOrder(Protocol):
    """What somebody asked of it. `str` says who ordered what, as a part of a sentence."""

    @property
    def number(self) -> int:
        """Numbers grow by one within a journal."""

    def to_json(self) -> dict[str, Any]: ...


PlanT = TypeVar("PlanT", bound=RecordedPlan)
StateT = TypeVar("StateT", bound=RecordedState)
OrderT = TypeVar("OrderT", bound=RecordedOrder)
