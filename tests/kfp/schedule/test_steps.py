"""From what is there to what is wanted: never two enabled, never none, from any beginning and after any break."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.kfp.schedule.found import Found, differences, same_value
from tfx_rollout.kfp.schedule.steps import Action, Steps, steps_to
from tfx_rollout.kfp.schedule.wanted import Form, unmarked
from tfx_rollout.schedule import Trigger

WANTED = Form("nightly", "e", "p", None, "gs://b", {"n": 1}, Trigger("0 30 2 * * *"), "d", "trainer")
OTHERS = (replace(WANTED, trigger=Trigger("0 0 3 * * *")), replace(WANTED, version_id="v1"), replace(WANTED, embedded=True))


def carry_out(steps: Steps, there: dict[str, Found], breaks_after: int | None = None):
    """The states of a server that does these steps; the last one is what is left."""
    kept = steps.kept.id if steps.kept else "new"
    states = [dict(there)]
    for step in steps.steps[:breaks_after]:
        now = dict(states[-1])
        id = step.target or kept
        if step.action is Action.CREATE:
            kept = next(name for number in range(99) if (name := f"new{number}") not in now)
            now[kept] = Found(kept, WANTED, False, ours=True)
        elif step.action is Action.DELETE:
            del now[id]
        else:
            now[id] = replace(now[id], enabled=step.action is Action.ENABLE)
        states.append(now)
    return states


FOUND = st.tuples(st.sampled_from((WANTED, *OTHERS)), st.booleans())


@given(st.lists(FOUND, max_size=4), st.booleans(), st.booleans(), st.lists(st.integers(0, 8), max_size=3))
def test_from_any_beginning_and_after_any_breaks_one_right_one_is_left(begin, enabled, recreate, breaks):
    there = {f"old{number}": Found(f"old{number}", form, on, ours=True) for number, (form, on) in enumerate(begin)}
    for breaks_after in [*breaks, None]:
        recreates = recreate and breaks_after is not None
        steps = steps_to(WANTED, enabled, tuple(there.values()), recreate=recreates)
        before = sum(found.enabled for found in there.values())
        states = carry_out(steps, there, breaks_after)
        assert all(sum(found.enabled for found in state.values()) <= max(1, before) for state in states)
        assert not there or all(states)
        there = states[-1]
    (left,) = there.values()
    assert differences(WANTED, left) == ()
    assert left.enabled is enabled
    assert steps_to(WANTED, enabled, [left]).steps == ()


@pytest.mark.parametrize("breaks_after", range(5))
def test_a_replacement_never_has_two_enabled_and_never_none_wherever_it_breaks(breaks_after):
    there = {"old": Found("old", OTHERS[0], True, ours=True)}
    states = carry_out(steps_to(WANTED, True, tuple(there.values())), there, breaks_after)
    states += carry_out(steps_to(WANTED, True, tuple(states[-1].values())), states[-1])
    assert all(sum(found.enabled for found in state.values()) <= 1 and state for state in states)


def test_the_old_one_starts_nothing_more_before_the_new_one_begins():
    steps = steps_to(WANTED, True, [Found("old", OTHERS[0], True, ours=True)])
    assert [(step.action, step.target) for step in steps.steps] == [
        (Action.CREATE, None),
        (Action.DISABLE, "old"),
        (Action.ENABLE, None),
        (Action.DELETE, "old"),
    ]
    assert steps.kind == "replace"


def test_the_enabled_one_of_two_that_are_right_is_kept():
    steps = steps_to(WANTED, True, [Found("a", WANTED, False, ours=True), Found("b", WANTED, True, ours=True)])
    assert steps.kept is not None
    assert steps.kept.id == "b"
    assert [(step.action, step.target) for step in steps.steps] == [(Action.DELETE, "a")]


def test_numbers_are_the_same_after_their_way_through_the_server():
    assert same_value({"a": [1, True, None, 2.5]}, {"a": [1.0, True, None, 2.5]})
    assert not same_value(1, True)
    assert not same_value(1, "1")
    assert not same_value({"a": 1}, {"a": 1, "b": None})
    assert not same_value([1], [1, 2])


def test_the_mark_tells_our_own_and_who_chose_the_account():
    assert unmarked(WANTED.marked_description) == ("d", True, False)
    assert unmarked(replace(WANTED, service_account=None, description="").marked_description) == ("", True, True)
    assert unmarked("made by hand") == ("made by hand", False, False)


def test_an_account_that_is_no_longer_declared_is_a_difference():
    given_before = Found("x", replace(WANTED, service_account="trainer"), True, ours=True, servers_account=False)
    assert [d.field for d in differences(replace(WANTED, service_account=None), given_before)] == ["service_account"]
    servers = replace(given_before, form=replace(WANTED, service_account="pipeline-runner"), servers_account=True)
    assert differences(replace(WANTED, service_account=None), servers) == ()
    assert [d.field for d in differences(WANTED, servers)] == ["service_account"]


def test_a_start_is_compared_as_a_moment():
    start = datetime(2027, 1, 1, tzinfo=timezone.utc)
    with_start = replace(WANTED, trigger=replace(WANTED.trigger, start=start))
    assert [d.field for d in differences(with_start, Found("x", WANTED, True))] == ["start"]
    assert differences(with_start, Found("x", with_start, True)) == ()
