from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.model_store.numbers import Numbers, claim, retire

VERSIONS = st.sets(st.integers(0, 30), max_size=6)
DIGESTS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.builds(Numbers, st.integers(0, 30), st.none() | DIGESTS)


def test_the_first_version_is_1():
    assert claim(Numbers(), "a", used=(), there=()) == Numbers(1, "a")


@settings(max_examples=50, deadline=None)
@given(NUMBERS, DIGESTS, VERSIONS, VERSIONS)
def test_a_claim_is_above_all_that_was_ever_used_or_is_the_same_claim_again(numbers, digest, used, there):
    after = claim(numbers, digest, used | there, there)
    assert after.claim == digest
    assert after.highest not in there
    assert after.highest >= max(used | there | {numbers.highest})
    if after.highest in used | {numbers.highest}:
        assert after == numbers
    assert claim(after, digest, used | there, there) == after


@settings(max_examples=50, deadline=None)
@given(NUMBERS, VERSIONS.filter(bool), DIGESTS, st.data())
def test_a_retired_number_is_never_claimed_again(numbers, used, digest, data):
    version = data.draw(st.sampled_from(sorted(used)))
    after = retire(numbers, version, used)
    assert after.highest >= max(used | {numbers.highest})
    left = used - {version}
    assert claim(after, digest, left, left).highest > version


def test_retiring_a_version_below_the_highest_changes_nothing():
    assert retire(Numbers(9, "a"), 4, used={4, 9}) == Numbers(9, "a")
