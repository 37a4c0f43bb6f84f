"""Whatever is asked for, and whatever dies meanwhile: every instant is safe, and in the end what is wanted is in force."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfx_rollout.testing import Delays
from tfx_rollout.traffic import DesiredState, Settled

from .conftest import World, assert_in_force
from .states import BROKEN, B, C, experiment, state

versions = st.sampled_from([1, 2, 3, BROKEN])
topologies = st.sampled_from(["dedicated", "dedicated", "shared"])


held = st.fixed_dictionaries(
    {},
    optional={
        "pinned": st.lists(versions, max_size=2).map(tuple),
        "aliases": st.dictionaries(st.sampled_from(["champion", "eu.best"]), versions, max_size=2),
        "loaded": st.lists(versions, max_size=1).map(tuple),
    },
)


@st.composite
def desired_states(draw):
    """Any state that may be asked for: first release, canary at any share, promoted, rolled back, an A/B test of up to
    three arms, taken offline; with or without versions that are pinned, loaded, or named by the operator."""
    kind = draw(st.integers(0, 12))
    if kind == 0:
        return DesiredState("m")
    stable = draw(st.sampled_from([1, 2, 3]))
    if kind <= 5:
        variants = draw(st.dictionaries(st.sampled_from([B, C]), versions, min_size=1))
        shares = {track: draw(st.sampled_from([0.0, 0.01, 0.25, 0.5])) for track in variants}
        return experiment(stable, variants, shares, **draw(held))
    others = st.none() | versions.filter(lambda v: v != stable)
    canary, previous = draw(others), draw(others)
    share = 0.0 if canary is None else draw(st.sampled_from([0.0, 0.01, 0.25, 0.5, 1.0]))
    return state(stable, canary, previous, share, draw(topologies), **draw(held))


delays = st.builds(Delays, start=st.integers(0, 3), load=st.integers(0, 4), poll=st.integers(0, 2), gateway=st.integers(0, 1))
events = st.one_of(
    desired_states().map(lambda s: ("want", s)),
    st.integers(1, 12).map(lambda n: ("ticks", n)),
    st.integers(1, 12).map(lambda n: ("ticks", n)),
    st.sampled_from([("crash", "m"), ("crash", "m~canary")]),
)

PROMOTION = [
    ("want", state(stable=1)),
    ("ticks", 40),
    ("want", state(stable=1, canary=2, share=0.5)),
    ("ticks", 40),
    ("want", state(stable=2, previous=1)),
]

SHARED_ROLLBACK = [
    ("want", state(stable=1, topology="shared")),
    ("ticks", 20),
    ("want", state(stable=1, canary=2, share=0.5, topology="shared")),
    ("ticks", 20),
    ("want", state(stable=1, topology="shared")),
]


A_B_TEST = [
    ("want", state(stable=1, pinned=(3,))),
    ("ticks", 20),
    ("want", experiment(1, {B: 2, C: 3}, pinned=(3,), aliases={"champion": 2})),
    ("ticks", 20),
    ("crash", "m"),
    ("ticks", 12),
    ("want", experiment(1, {B: 3, C: 2}, pinned=(3,), aliases={"champion": 3})),
    ("ticks", 8),
    ("want", state(stable=2, canary=3, previous=1, share=0.25, pinned=(3,), aliases={"champion": 3})),
]


@settings(max_examples=400, deadline=None)
@given(delays, st.lists(events, max_size=14))
@example(Delays(1, 2, 1, 1), PROMOTION)
@example(Delays(1, 2, 1, 1), A_B_TEST)
@example(Delays(0, 0, 0, 0), A_B_TEST)
@example(Delays(1, 2, 1, 1), [*PROMOTION, ("ticks", 6), ("crash", "m~canary"), ("ticks", 3), ("crash", "m")])
@example(Delays(), SHARED_ROLLBACK)
@example(
    Delays(load=2, poll=1),
    [("want", state(stable=1)), ("ticks", 9), ("want", DesiredState("m")), ("ticks", 5), ("want", state(stable=1))],
)
@example(Delays(0, 0, 0, 0), [*PROMOTION, ("ticks", 2), ("want", state(stable=1))])
def test_every_sequence_of_states_and_crashes_is_safe_at_every_instant_and_settles(delays, sequence):
    world = World.new(delays)
    for kind, what in sequence:
        if kind == "want":
            world.want(what)
            world.tick()
        elif kind == "ticks":
            for _ in range(what):
                world.tick()
        else:
            world.tick(crash=what)
    step = world.settles()
    wanted = {*world.desired.versions}
    assert isinstance(step, Settled) or BROKEN in wanted
    if isinstance(step, Settled):
        assert_in_force(world)
        assert isinstance(world.tick(), Settled)
        assert world.serving.numbers == {
            track: world.desired.labels[route.label] for track, route in world.serving.routes.items()
        }
