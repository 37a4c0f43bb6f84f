"""What is kept, for how long, and what goes first."""

from __future__ import annotations

import pytest

from tfx_rollout.control.http.keeping import Answer, KeptAnswers


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


ANSWER = Answer(b"{}", ((b"etag", b'"1"'),))


def test_an_answer_is_found_by_what_it_is_about_while_its_sign_is_the_same():
    kept = KeptAnswers()
    kept.keep("/a", "sign", ANSWER)
    assert kept.find("/a", "sign") == ANSWER
    assert kept.find("/a", "another sign") is None
    assert kept.find("/b", "sign") is None


def test_a_newer_answer_takes_the_place_of_the_one_before():
    kept = KeptAnswers(most_bytes=3)
    kept.keep("/a", "old", Answer(b"xx"))
    kept.keep("/b", "sign", Answer(b"x"))
    kept.keep("/a", "new", Answer(b"yy"))
    assert kept.find("/a", "old") is None
    assert kept.find("/a", "new") == Answer(b"yy")
    assert kept.find("/b", "sign") == Answer(b"x")


def test_an_answer_is_given_again_for_its_time_alone():
    clock = Clock()
    kept = KeptAnswers(clock=clock)
    kept.keep("/a", "sign", ANSWER, seconds=2)
    clock.now = 1.9
    assert kept.find("/a", "sign") == ANSWER
    clock.now = 2.0
    assert kept.find("/a", "sign") is None


@pytest.mark.parametrize("bound", [{"most_bytes": 4}, {"most": 2}])
def test_the_one_that_was_asked_for_longest_ago_goes_first(bound):
    kept = KeptAnswers(**bound)
    kept.keep("/a", "sign", Answer(b"aa"))
    kept.keep("/b", "sign", Answer(b"bb"))
    kept.find("/a", "sign")
    kept.keep("/c", "sign", Answer(b"cc"))
    assert [kept.find(about, "sign") is not None for about in ("/a", "/b", "/c")] == [True, False, True]


def test_one_that_is_larger_than_all_that_may_be_kept_is_kept_alone():
    kept = KeptAnswers(most_bytes=4)
    kept.keep("/a", "sign", Answer(b"aa"))
    kept.keep("/b", "sign", Answer(b"bbbbbb"))
    assert kept.find("/a", "sign") is None
    assert kept.find("/b", "sign") == Answer(b"bbbbbb")
