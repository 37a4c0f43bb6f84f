from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.gateway.render.places import places
from tfx_rollout.traffic import FULL, VARIANTS, Split, Track


def owners(split, tracks):
    """Whose each unit of the range is."""
    return [track for track, units in places(split, tracks) for _ in range(units)]


@st.composite
def splits(draw, arms=None, limit=FULL):
    """Tracks, and a split among them in which no arm has more than `limit`."""
    arms = arms or VARIANTS[: draw(st.integers(1, len(VARIANTS)))]
    shares, left = {}, FULL
    for arm in draw(st.permutations(arms)):
        shares[arm] = draw(st.integers(0, min(left, limit)))
        left -= shares[arm]
    return (Track.STABLE, *arms), Split(variants=shares)


@given(splits())
def test_each_track_has_its_share_and_the_total_is_constant(case):
    tracks, split = case
    found = owners(split, tracks)
    assert len(found) == FULL
    assert {track: found.count(track) for track in tracks} == {track: split.units(track) for track in tracks}


@given(st.integers(0, FULL))
def test_a_canary_alone_comes_first(units):
    parts = [(Track.CANARY, units), (Track.STABLE, FULL - units)]
    assert places(Split(units), (Track.STABLE, Track.CANARY)) == [part for part in parts if part[1]]


@given(st.data(), st.integers(1, len(VARIANTS)))
def test_while_no_track_outgrows_its_place_a_changed_share_moves_users_between_it_and_stable_only(data, number):
    arms = VARIANTS[:number]
    limit = FULL // (number + 1)
    tracks, before = data.draw(splits(arms, limit))
    changed = data.draw(st.sampled_from(arms))
    units = data.draw(st.integers(0, limit))
    after = Split(variants={**before.variants, changed: units})
    moved = [(old, new) for old, new in zip(owners(before, tracks), owners(after, tracks), strict=True) if old is not new]
    assert {track for pair in moved for track in pair} <= {changed, Track.STABLE}
    assert len(moved) == abs(units - before.units(changed))


@given(st.integers(0, FULL), st.integers(0, FULL))
def test_whoever_has_the_only_variant_keeps_it_while_it_grows(one, other):
    few, many = sorted((one, other))
    tracks = (Track.STABLE, Track.VARIANT_B)
    before, after = (owners(Split(variants={Track.VARIANT_B: units}), tracks) for units in (few, many))
    assert all(new is Track.VARIANT_B for old, new in zip(before, after, strict=True) if old is Track.VARIANT_B)


def test_a_track_that_outgrows_its_place_leaves_the_others_theirs():
    tracks = (Track.STABLE, Track.VARIANT_B, Track.VARIANT_C)
    assert places(Split(variants={Track.VARIANT_B: 5000, Track.VARIANT_C: 500}), tracks) == [
        (Track.VARIANT_B, 3333),
        (Track.VARIANT_C, 500),
        (Track.STABLE, 2834),
        (Track.VARIANT_B, 1667),
        (Track.STABLE, 1666),
    ]
