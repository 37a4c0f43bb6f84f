"""What has not ended is read while it is asked for; what has ended once is never read again."""

from __future__ import annotations

from tfx_rollout.journal import Unfinished


def test_what_has_ended_is_left_out_and_its_outcome_known(begin, kind, base):
    begin("a", outcome="arrived")
    begin("b")
    begin("c", outcome="lost")
    begin("d")
    unfinished = kind.unfinished(base)
    assert [state.id for state in unfinished] == ["b", "d"]
    assert unfinished.outcomes == {"a": "arrived", "c": "lost"}


def test_what_begins_or_ends_later_is_seen_the_next_time(begin, kind, base):
    journal, unfinished = begin("a"), kind.unfinished(base)
    assert [state.id for state in unfinished] == ["a"]
    journal.write_state(journal.state().change(outcome="arrived"))
    begin("b")
    assert [state.id for state in unfinished] == ["b"]


def test_an_ended_one_is_not_read_again(begin, kind, base):
    ended, unfinished = begin("a", outcome="arrived"), kind.unfinished(base)
    assert list(unfinished) == []
    (ended.path / "state.json").write_text("{")
    assert list(unfinished) == []


def test_no_further_one_is_read_than_is_asked_for(begin):
    read = []
    unfinished = Unfinished(lambda: ["a", "b"], lambda id: read.append(id) or begin(id).state())
    assert next(iter(unfinished)).id == "a"
    assert read == ["a"]
