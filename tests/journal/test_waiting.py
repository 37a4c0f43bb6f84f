"""Who waits gets the state that was waited for, or the one that there is at the timeout."""

from __future__ import annotations

from tfx_rollout.journal import await_state


def test_the_first_state_is_given_of_which_the_condition_is_true(journal):
    def until(state) -> bool:
        journal.write_state(state.change(events=state.events + 1))
        return state.events == 3

    assert await_state(journal, until, timeout=60.0, poll=0.0).events == 3


def test_at_the_timeout_the_state_is_given_as_it_is(journal):
    assert await_state(journal, lambda state: state.finished, timeout=0.0, poll=60.0) == journal.state()
