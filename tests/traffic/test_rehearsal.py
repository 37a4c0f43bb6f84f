"""The dry run: the steps that would be taken, on servers that do what they are told."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.testing import Delays, ManualClock, SimulatedServing
from tfx_rollout.traffic import (
    LABEL_OF,
    VARIANTS,
    Await,
    Configure,
    DesiredState,
    Label,
    ObservedState,
    Route,
    ServerSpec,
    SetTraffic,
    Split,
    StartServer,
    StopServer,
    Stuck,
    Track,
    VersionState,
    in_words,
    place,
    rehearse,
    routes,
)
from tfx_rollout.traffic.rehearsal import MOST, after_step, rehearsal

FIRST = DesiredState("m", 1, (1,), {Label.STABLE: 1})
CANARY = FIRST.change(generation=2, versions=(1, 2), labels={**FIRST.labels, Label.CANARY: 2}, split=Split.of(0.1))


def settled(desired: DesiredState, *, broken=()) -> ObservedState:
    return SimulatedServing("m", ManualClock(1000.0), broken=broken).settle(desired)


def deeds(steps):
    return [step for step in steps if not isinstance(step, Await)]


@st.composite
def desired_states(draw):
    """Any state: a canary in both topologies, an A/B test, pins, aliases, versions that are only loaded, nothing at all."""
    if draw(st.integers(0, 8)) == 0:
        return DesiredState("m", 5)
    version = st.integers(1, 4)
    labels, split = {Label.STABLE: draw(version)}, Split()
    if draw(st.booleans()):
        variants = draw(st.dictionaries(st.sampled_from(VARIANTS[:3]), version, min_size=1))
        labels |= {LABEL_OF[track]: number for track, number in variants.items()}
        split = Split.among({track: 0.2 for track in variants if draw(st.booleans())})
    elif draw(st.booleans()):
        labels[Label.CANARY] = draw(version)
        split = Split(draw(st.integers(0, 10_000)))
    if draw(st.booleans()):
        labels[Label.PREVIOUS] = draw(version)
    pinned, loaded = draw(st.lists(version, max_size=2)), draw(st.lists(version, max_size=2))
    aliases = draw(st.dictionaries(st.sampled_from(["eu", "champion"]), version))
    versions = (*labels.values(), *pinned, *loaded, *aliases.values())
    return DesiredState(
        "m",
        5,
        versions,
        labels,
        split,
        draw(st.sampled_from(["dedicated", "shared"])),
        mirror=draw(st.sampled_from([0, 100])) if Label.CANARY in labels else 0,
        pinned=tuple(pinned),
        aliases=aliases,
    )


def assert_no_label_is_missing(observed: ObservedState) -> None:
    for track, route in observed.routes.items():
        server = observed.server(route.server)
        assert server is not None, f"{track} leads to {route.server}, which is gone"
        version = server.configured_labels.get(route.label)
        assert version in server.configured_versions, f"the label of {track} is missing on {route.server}"


@settings(max_examples=250, deadline=None)
@given(st.lists(desired_states(), min_size=1, max_size=4))
def test_after_the_steps_what_is_desired_is_in_force_and_no_label_was_missing_on_the_way(sequence):
    observed = None
    for desired in sequence:
        steps, after = rehearsal(desired, observed)
        assert len(steps) < MOST
        for taken in range(len(steps)):
            assert_no_label_is_missing(in_force_after(steps[:taken], observed))
        assert {s.name: ServerSpec(s.configured_versions, s.configured_labels) for s in after.servers} == place(desired)
        for server in after.servers:
            assert server.versions == dict.fromkeys(server.configured_versions, VersionState.AVAILABLE)
            assert server.labels == server.configured_labels
        assert (after.routes, after.split or Split()) == (routes(desired), desired.split)
        assert rehearse(desired, after) == ()
        observed = after


def in_force_after(steps, observed) -> ObservedState:
    return reduce(lambda now, step: after_step(step, now), steps, observed or ObservedState("m"))


@settings(max_examples=60, deadline=None)
@given(desired_states(), desired_states())
def test_the_steps_come_to_what_the_supervisor_does_to_servers_that_take_their_time(before, desired):
    serving = SimulatedServing("m", ManualClock(1000.0), delays=Delays(start=1, load=1), drain_seconds=2.0)
    tick_until_settled(serving, before)
    told = deeds(rehearse(desired, serving.observed()))
    done = tick_until_settled(serving, desired)
    for kind in (StartServer, StopServer):
        assert [step.server for step in told if isinstance(step, kind)] == [s.server for s in done if isinstance(s, kind)]
    assert [s for s in told if isinstance(s, SetTraffic)][-1:] == [s for s in done if isinstance(s, SetTraffic)][-1:]
    specs = [{step.server: step.spec for step in steps if isinstance(step, Configure)} for steps in (told, done)]
    assert specs[0] == specs[1]


def tick_until_settled(serving, desired):
    """The deeds of a supervisor whose servers take their time."""
    taken = []
    for _ in range(150):
        step = serving.step(desired)
        taken += [] if isinstance(step, Await) else [step]
        if type(step).__name__ == "Settled":
            return taken[:-1]
        serving.clock.advance(1.0)
        serving.tick()
    raise AssertionError(serving.doing)


def test_nothing_is_to_be_done_where_all_is_in_force():
    assert rehearse(FIRST, settled(FIRST)) == ()
    assert rehearse(DesiredState("m"), None) == ()


def test_a_first_version_is_started_and_awaited_before_it_gets_requests():
    spec = ServerSpec((1,), {Label.STABLE: 1})
    assert rehearse(FIRST, None) == (
        StartServer("m", spec),
        Await("version 1 as stable on m"),
        SetTraffic(Split(), {Track.STABLE: Route("m", Label.STABLE)}),
    )


def test_a_promotion_loads_labels_sends_and_only_then_empties_the_canarys_server():
    promoted = FIRST.change(generation=3, versions=(1, 2), labels={Label.STABLE: 2, Label.PREVIOUS: 1})
    told = [in_words(step) for step in deeds(rehearse(promoted, settled(CANARY)))]
    assert told == [
        "configure server m with versions [1, 2] and labels previous 1, stable 1",
        "configure server m with versions [1, 2] and labels previous 1, stable 2",
        "set the split to stable 100 % · canary 0 %",
        "configure server m~canary with versions []",
        "stop server m~canary",
    ]


def test_a_version_that_is_known_not_to_load_ends_it():
    observed = settled(CANARY, broken={2})
    steps = rehearse(CANARY, observed)
    assert steps[-1] == Stuck("version 2 does not load on m~canary: the file is no SavedModel")
    back = rehearse(FIRST.change(generation=3), observed)
    assert StopServer("m~canary") in back
    assert not any(isinstance(step, Stuck) for step in back)


def test_a_server_that_is_down_is_taken_to_come_back():
    observed = settled(FIRST)
    down = replace(observed, servers=tuple(replace(s, ready=False, versions={}, labels={}) for s in observed.servers))
    pinned = FIRST.change(generation=2, versions=(1, 3), pinned=(3,))
    assert Configure("m", ServerSpec((1, 3), {Label.STABLE: 1})) in rehearse(pinned, down)
    assert rehearsal(pinned, down)[1].server("m").versions == {1: VersionState.AVAILABLE, 3: VersionState.AVAILABLE}
