"""The journal of a journey: the least that can be recorded, and ordered to stop or to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from tfx_rollout.journal import RecordJournal
from tfx_rollout.model_store import BasePath, ModelStore


@dataclass(frozen=True)
class Plan:
    aim: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class State:
    id: str
    events: int = 0
    orders_done: int = 0
    outcome: str | None = None

    @property
    def moment(self) -> str:
        return f"e{self.events}"

    @property
    def finished(self) -> bool:
        return self.outcome is not None

    @property
    def decided(self) -> bool:
        return self.finished

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def change(self, **changes: Any) -> State:
        return replace(self, **changes)


@dataclass(frozen=True)
class Order:
    number: int
    kind: str
    by: str = "ann"

    def __str__(self) -> str:
        return f"{self.by} ordered to {self.kind}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class JourneyJournal(RecordJournal[Plan, State, Order]):
    noun, title = "journey", "the journey"
    folder = "journeys"

    def _plan_from(self, data: Mapping[str, Any]) -> Plan:
        return Plan(**data)

    def _state_from(self, data: Mapping[str, Any]) -> State:
        return State(**data)

    def _order_from(self, data: Mapping[str, Any]) -> Order:
        return Order(**data)


@pytest.fixture
def base(tmp_path) -> BasePath:
    base = ModelStore(tmp_path / "root").model("m")
    base.create()
    return base


@pytest.fixture
def kind() -> type[JourneyJournal]:
    """The kind of journal."""
    return JourneyJournal


@pytest.fixture
def begin(base: BasePath) -> Callable[..., JourneyJournal]:
    """`begin("a", outcome="lost")`: the journal of a new journey, in this state."""

    def begin(id: str, **state: Any) -> JourneyJournal:
        journal = JourneyJournal(base, id)
        journal.create(Plan("home"), State(id, **state))
        return journal

    return begin


@pytest.fixture
def journal(begin) -> JourneyJournal:
    """The journal of a journey that goes on."""
    return begin("20261122T101500-home")


@pytest.fixture
def order() -> Callable[..., Callable[[int], Order]]:
    """`order("stop")`: an order to which its number is yet to be given."""
    return lambda kind, by="ann": lambda number: Order(number, kind, by)
