"""A journal gives back what was written, counts only what its state counts, and says clearly what it cannot read."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from tfx_rollout.errors import CorruptState, LostLease, NotFound

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=timezone.utc).timestamp() + 0.7


def test_what_was_written_comes_back(journal, kind, base):
    again = kind(base, journal.id)
    assert again.plan().aim == "home"
    again.write_state(again.state().change(orders_done=3))
    assert journal.state().orders_done == 3


def test_it_exists_only_once_its_state_is_written(journal, kind, base):
    (journal.path.parent / "20990101T000000-away").mkdir()
    assert journal.exists()
    assert not kind(base, "20990101T000000-away").exists()
    assert kind.ids(base) == [journal.id]
    assert kind.states(base) == [journal.state()]


def test_events_of_a_state_that_was_never_written_do_not_count(journal):
    journal.append_event({"number": 1, "reason": "began"})
    assert journal.events() == []
    journal.write_state(journal.state().change(events=1))
    journal.append_event({"number": 2, "reason": "never happened"})
    assert [event["reason"] for event in journal.events()] == ["began"]


def test_of_two_events_with_one_number_the_later_one_counts(journal):
    journal.write_state(journal.state().change(events=2))
    for number, reason in ((1, "began"), (2, "died before the state was written"), (2, "what really happened")):
        journal.append_event({"number": number, "reason": reason})
    assert [event["reason"] for event in journal.events()] == ["began", "what really happened"]


def test_the_guard_is_asked_before_every_write_but_orders_which_anybody_may_give(journal, kind, base, order):
    def lost() -> None:
        raise LostLease("the root", "process 12")

    guarded = kind(base, journal.id, guard=lost)
    guarded.append_order(order("stop")(1))
    for write in (lambda: guarded.write_state(journal.state()), lambda: guarded.append_event({"number": 1})):
        with pytest.raises(LostLease):
            write()
    assert [path.name for path in sorted(journal.path.iterdir())] == ["orders.jsonl", "plan.json", "state.json"]


def test_one_that_is_not_there_is_not_found_and_those_that_are_there_are_named(journal, kind, base):
    for read in (kind(base, "x").state, kind(base, "x").plan, kind(base, "x").events):
        with pytest.raises(NotFound, match=f"There is no journey x in model 'm'; known: {journal.id}"):
            read()


def test_what_another_version_of_the_program_wrote_is_corrupt_state_and_not_a_crash(journal):
    for name, read in (("state.json", journal.state), ("plan.json", journal.plan), ("orders.jsonl", journal.orders)):
        (journal.path / name).write_text('{"unknown": 1}\n')
        with pytest.raises(CorruptState, match=rf"{name} cannot be used .*unknown"):
            read()


def test_ids_sort_by_time_and_a_second_one_within_a_second_gets_the_next_seconds(base, kind, begin):
    ids = []
    for ending in ("v2", "v3", "v2"):
        ids.append(kind.new_id(base, ending, NOW))
        begin(ids[-1])
    assert ids == ["20261122T101500-v2", "20261122T101501-v3", "20261122T101502-v2"]
    assert kind.ids(base) == ids
