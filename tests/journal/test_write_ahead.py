"""What is decided is on record before traffic moves by it: whoever is stopped, and whoever comes in between, changes no decision.

A swap is the least that moves traffic: version 2 becomes live in place of version 1, and that is all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tfx_rollout.errors import LostLease
from tfx_rollout.journal import Overruled, RecordJournal, WriteAhead
from tfx_rollout.model_store import BasePath, Guard, ModelStore, unguarded
from tfx_rollout.traffic import Cause, DesiredState, Label, arranged

LIVE = DesiredState("m", versions=(1,), labels={Label.STABLE: 1})
SWAPPED = LIVE.change(versions=(2,), labels={Label.STABLE: 2}, cause=Cause("controller", "It is time."))


@dataclass(frozen=True)
class State:
    id: str
    phase: str = "waiting"
    before: DesiredState | None = None
    wanted: DesiredState | None = None
    generation: int = 0
    events: int = 0
    orders_done: int = 0
    outcome: str | None = None
    finished = decided = False

    @property
    def moment(self) -> str:
        return f"e{self.events}"

    @property
    def situation(self) -> dict[str, Any]:
        return {"generation": self.generation}

    def to_json(self) -> dict[str, Any]:
        told = {name: state and state.to_json() for name, state in (("before", self.before), ("wanted", self.wanted))}
        return {**vars(self), **told}

    def change(self, **changes: Any) -> State:
        return replace(self, **changes)


class SwapJournal(RecordJournal[Any, State, Any]):
    noun, title, folder = "swap", "the swap", "swaps"

    def _plan_from(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return data

    def _order_from(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return data

    def _state_from(self, data: Mapping[str, Any]) -> State:
        desired = {name: data[name] and DesiredState.from_json(data[name]) for name in ("before", "wanted")}
        return State(**{**data, **desired})


class Swap:
    """Drives one swap, a step at a time, from what is on record."""

    def __init__(self, base: BasePath, guard: Guard = unguarded) -> None:
        self.base, self.journal = base, SwapJournal(base, "s", guard=guard)
        self.ahead = WriteAhead(self.journal, lambda: 100.0, called="swap")

    def step(self) -> State | Overruled | None:
        """What was caught up with, and the one decision there is, unless it was made."""
        found = self.ahead.catch_up(self.journal.state())
        if isinstance(found, State) and found.phase == "waiting":
            swapping = found.change(phase="swapping", before=self.base.desired())
            self.ahead.commit(swapping, SWAPPED, "swap", "It is time.", "controller", came_from=found)
        return found

    @property
    def record(self) -> tuple[State, list[dict[str, Any]], DesiredState]:
        """All that counts."""
        return self.journal.state(), self.journal.events(), self.base.desired()


class Lease:
    """Lets so many writes pass, and none after them; something may `happen` before the last one."""

    def __init__(self, writes: int, happens: Callable[[], object] = lambda: None) -> None:
        self.left, self.happens = writes, happens

    def __call__(self) -> None:
        if not self.left:
            raise LostLease("/srv/models", "process 7 on another host")
        self.left -= 1
        if not self.left:
            self.happens()


@pytest.fixture
def new_base(scratch) -> Callable[[], BasePath]:
    """Makes a base path with versions 1 to 3, of which 1 is live, and a swap that waits; another one each time."""
    number = itertools.count()

    def make() -> BasePath:
        folder: Path = scratch / str(next(number))
        base = ModelStore(folder / "root").model("m")
        for mark in "abc":
            source = folder / mark
            source.mkdir(parents=True)
            (source / "saved_model.pb").write_bytes(mark.encode())
            base.publish(source)
        base.write_desired(LIVE, expected=0)
        SwapJournal(base, "s").create(State("s"), State("s"))
        return base

    return make


@pytest.fixture
def base(new_base) -> BasePath:
    return new_base()


def write(base: BasePath, by: str, why: str, **changes: Any) -> DesiredState:
    """Somebody writes a desired state: what is there, with these changes."""
    now = base.desired()
    return base.write_desired(now.change(cause=Cause(by, why), **changes), expected=now.generation)


def hold(base: BasePath) -> DesiredState:
    """Fay has version 3 held, whatever is live."""
    found = arranged(base.desired(), pinned=[3])
    return write(base, "fay", "to compare", versions=found.versions, pinned=found.pinned)


def test_an_event_says_what_happened_and_what_the_state_tells_of_its_situation(base):
    swap = Swap(base)
    swap.step()
    state, events, desired = swap.record
    assert events == [
        {
            "number": 1,
            "at": 100.0,
            "event": "swap",
            "from": "waiting",
            "to": "swapping",
            "generation": 2,
            "by": "controller",
            "reason": "It is time.",
        }
    ]
    assert (state.wanted, state.generation, desired) == (desired, 2, SWAPPED.change(generation=2))


def test_a_note_changes_no_phase_and_counts_with_the_state_that_is_written_next(base):
    swap = Swap(base)
    noted = swap.ahead.noted(swap.journal.state(), "order_refused", "It does not fit.", "ben")
    assert swap.journal.events() == []
    swap.journal.write_state(noted)
    (event,) = swap.journal.events()
    assert (event["from"], event["to"], event["by"], event["reason"]) == ("waiting", "waiting", "ben", "It does not fit.")


def test_event_state_and_desired_state_are_written_in_this_order(new_base):
    written = []
    for writes in range(4):
        base = new_base()
        with pytest.raises(LostLease):
            Swap(base, Lease(writes)).step()
        journal = SwapJournal(base, "s")
        written.append(((journal.path / "events.jsonl").exists(), journal.state().phase, base.desired().stable))
    assert written == [
        (False, "waiting", 1),
        (True, "waiting", 1),
        (True, "swapping", 1),
        (True, "swapping", 1),  # The lease was lost while it waited for the lock.
    ]


@pytest.mark.parametrize("writes", range(4))
def test_one_who_was_stopped_before_any_write_is_followed_by_one_who_comes_to_the_same(new_base, writes):
    undisturbed, stopped = Swap(new_base()), Swap(new_base(), Lease(writes))
    undisturbed.step()
    with pytest.raises(LostLease):
        stopped.step()
    followed = Swap(stopped.base)
    followed.step()
    assert followed.record == undisturbed.record
    assert followed.step() == followed.journal.state(), "there is nothing left to catch up with"


def test_what_is_wanted_is_written_after_what_people_came_to_hold_before_it(base):
    with pytest.raises(LostLease):
        Swap(base, Lease(2)).step()
    hold(base)
    swap = Swap(base)
    assert swap.step() is None
    state, events, desired = swap.record
    assert (desired.stable, desired.pinned, desired.generation, desired.cause) == (2, (3,), 3, SWAPPED.cause)
    assert (state.wanted, state.generation) == (desired, 2)
    assert (state.before.stable, state.before.pinned) == (1, (3,))
    assert [event["event"] for event in events] == ["swap", "held"]
    assert (events[1]["by"], events[1]["reason"]) == (
        "fay",
        "fay has changed what is held beside the swap (to compare); it goes on.",
    )
    assert swap.step() == state


def test_who_comes_just_before_the_desired_state_is_written_is_found_by_the_next_one_to_catch_up(base):
    Swap(base, Lease(3, lambda: hold(base))).step()
    assert (base.desired().stable, base.desired().pinned) == (1, (3,))
    assert Swap(base).step() is None
    assert (base.desired().stable, base.desired().pinned) == (2, (3,))


def test_what_people_hold_since_is_gone_on_over_at_once_and_written_by_nobody_else(base):
    swap = Swap(base)
    swap.step()
    held = hold(base)
    found = swap.step()
    state, events, desired = swap.record
    assert (found, state.wanted, desired) == (state, held, held)
    assert (state.before.stable, state.before.pinned) == (1, (3,))
    assert [event["event"] for event in events] == ["swap", "held"]


@pytest.mark.parametrize("writes", [2, 9], ids=["before it", "after it"])
def test_who_moves_traffic_overrules_it_and_nothing_is_written(base, writes):
    lease = Lease(writes)
    if writes == 2:
        with pytest.raises(LostLease):
            Swap(base, lease).step()
    else:
        Swap(base, lease).step()
    write(base, "eve", "an emergency", versions=(3,), labels={Label.STABLE: 3})
    hold(base)
    swap = Swap(base)
    before = swap.record
    overruled = swap.step()
    assert isinstance(overruled, Overruled)
    assert (overruled.cause.by, overruled.cause.why) == ("eve", "an emergency")
    assert swap.record == before
