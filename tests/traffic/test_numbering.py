"""Version numbers of tracks: only while they are certain, and gone before a label moves (in time: `transition`)."""

from __future__ import annotations

from dataclasses import replace

from tfx_rollout.traffic import (
    Await,
    Configure,
    DesiredState,
    Label,
    ObservedState,
    ServerObservation,
    ServerSpec,
    Settled,
    SetTraffic,
    Split,
    Track,
    VersionState,
    after_numbers,
    certain_numbers,
    routes,
)

DESIRED = DesiredState("m", 1, (1, 2), {Label.STABLE: 1, Label.VARIANT_B: 2}, Split.among({Track.VARIANT_B: 0.5}))
SERVER = ServerObservation(
    "m",
    ready=True,
    configured_versions=DESIRED.versions,
    configured_labels=DESIRED.labels,
    versions=dict.fromkeys(DESIRED.versions, VersionState.AVAILABLE),
    labels=DESIRED.labels,
)
SETTLED = Settled()
BOTH = {Track.STABLE: 1, Track.VARIANT_B: 2}


def seen(**changes) -> ObservedState:
    return ObservedState("m", 1, (replace(SERVER, **changes),), DESIRED.split, routes(DESIRED))


def numbers(observed, *, desired=DESIRED, step=SETTLED, numbered=None, reading=()):
    return certain_numbers(desired, observed, step, numbered=numbered or {}, reading=reading)


def test_what_configuration_and_server_agree_on_is_certain():
    assert numbers(seen()) == BOTH
    assert numbers(seen(labels={Label.STABLE: 2, Label.VARIANT_B: 2})) == {Track.VARIANT_B: 2}


def test_what_a_server_said_before_it_can_have_read_its_configuration_is_not():
    assert numbers(seen(), reading={"m"}) == {}
    assert numbers(seen(), reading={"m"}, numbered=BOTH) == BOTH


def test_a_server_that_is_silent_keeps_its_numbers_and_gets_no_new_ones():
    silent = seen(ready=False, labels={}, versions={})
    assert numbers(silent) == {}
    assert numbers(silent, numbered=BOTH) == BOTH
    assert numbers(silent, numbered={Track.STABLE: 3, Track.VARIANT_B: 2}) == {Track.VARIANT_B: 2}


def test_a_number_goes_as_soon_as_its_label_is_to_move():
    desired = DESIRED.change(labels={Label.STABLE: 2}, split=Split())
    assert numbers(seen(), desired=desired, numbered=BOTH) == {Track.VARIANT_B: 2}


def test_a_track_that_is_about_to_lead_somewhere_gets_its_number_with_its_route():
    step = SetTraffic(DESIRED.split, routes(DESIRED))
    assert numbers(replace(seen(), routes={}), step=step) == BOTH


def test_a_label_waits_for_the_number_that_the_gateway_may_still_say():
    move = Configure("m", ServerSpec((1, 2), {Label.STABLE: 2, Label.VARIANT_B: 2}))
    assert after_numbers(move, seen(), gone=lambda track: track is Track.STABLE, drained=False) == move
    waits = after_numbers(move, seen(), gone=lambda track: False, drained=True)
    assert waits == Await("the requests of stable that were told version 1, before label stable moves")
    drop = Configure("m", ServerSpec((1,), {Label.STABLE: 1}))
    assert after_numbers(drop, seen(), gone=lambda track: False, drained=False) == drop
    assert after_numbers(Settled(), seen(), gone=lambda track: False, drained=False) == Settled()
