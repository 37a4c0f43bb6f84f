"""What is not as desired, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.testing import Delays, ManualClock, SimulatedServing
from tfx_rollout.traffic import (
    DesiredState,
    Difference,
    Label,
    ObservedState,
    ServerObservation,
    Settled,
    Split,
    Track,
    VersionState,
    differences,
)

STABLE = DesiredState("m", 1, (1,), {Label.STABLE: 1})
CANARY = STABLE.change(generation=2, versions=(1, 2), labels={**STABLE.labels, Label.CANARY: 2}, split=Split.of(0.1), mirror=500)
TEST = STABLE.change(
    generation=3,
    versions=(1, 2, 3),
    labels={**STABLE.labels, Label.VARIANT_B: 2},
    split=Split.among({Track.VARIANT_B: 0.4}),
    pinned=(3,),
    aliases={"champion": 3},
)


def settled(desired: DesiredState, *, broken=()) -> ObservedState:
    return SimulatedServing("m", ManualClock(1000.0), broken=broken).settle(desired)


def told(found) -> list[tuple[str, str, str]]:
    return [(each.what, each.wanted, each.found) for each in found]


def why(found, what: str) -> str:
    return next(each.why for each in found if each.what == what)


@pytest.mark.parametrize("desired", [DesiredState("m"), STABLE, CANARY, TEST])
def test_nothing_differs_where_all_is_in_force(desired):
    assert differences(desired, settled(desired)) == ()


def test_nothing_was_asked_for_and_nobody_has_looked():
    assert differences(DesiredState("m"), None, supervised=False) == ()


def test_without_a_supervisor_everything_waits_for_one():
    found = differences(STABLE, None, supervised=False)
    assert told(found) == [
        ("generation", "generation 1", "none"),
        ("server", "server m answers", "no server m"),
        ("version", "version 1 AVAILABLE on m", "version 1 not there"),
        ("label", "label stable names version 1 on m", "it names no version"),
        ("share", "stable 100 %", "stable not routed"),
    ]
    assert found[0].why == "No supervisor serves this root; start one (`tfx-rollout serve`)."
    assert differences(STABLE, None)[0].why == "The supervisor has not seen this model yet."


def test_a_version_that_loads_holds_up_its_label_and_its_share():
    observed = settled(STABLE)
    server = replace(
        observed.servers[0],
        configured_versions=(1, 2, 3),
        versions={1: VersionState.AVAILABLE, 2: VersionState.LOADING, 3: VersionState.AVAILABLE},
    )
    found = differences(TEST, replace(observed, servers=(server,), step="wait for version 2 to load on m"))
    assert found == (
        Difference("generation", "generation 3", "generation 1", "The supervisor's next step: wait for version 2 to load on m."),
        Difference("version", "version 2 AVAILABLE on m", "version 2 LOADING", "It is loading."),
        Difference(
            "alias",
            "alias champion names version 3 on m",
            "it names no version",
            "The supervisor's next step: wait for version 2 to load on m.",
        ),
        Difference(
            "label",
            "label variant-b names version 2 on m",
            "it names no version",
            "It waits for version 2 on m, since a label names only what is AVAILABLE.",
        ),
        Difference("share", "stable 60 %", "stable 100 %", "It waits until version 2 answers as variant-b on m."),
        Difference("share", "variant-b 40 %", "variant-b not routed", "It waits until version 2 answers as variant-b on m."),
    )


def test_a_version_that_does_not_load_is_the_reason_of_what_it_keeps_away():
    found = differences(CANARY, settled(CANARY, broken={2}))
    assert ("fault", "no fault", "version 2 does not load on m~canary: the file is no SavedModel") in told(found)
    assert why(found, "version") == "It does not load: the file is no SavedModel."
    assert why(found, "mirror") == "It waits until version 2 answers as canary on m~canary."
    assert why(found, "generation").startswith("The supervisor cannot go on: version 2 does not load on m~canary")


def test_what_is_left_over_is_named():
    found = differences(STABLE.change(generation=3), replace(settled(CANARY), step="stop server m~canary"))
    assert told(found) == [
        ("generation", "generation 3", "generation 2"),
        ("server", "no server m~canary", "server m~canary holds versions 2"),
        ("share", "stable 100 %", "stable 90 %"),
        ("share", "canary not routed", "canary 10 %"),
        ("mirror", "no copies of requests", "copies of requests"),
    ]
    found = differences(STABLE.change(generation=4), settled(TEST))
    assert ("version", "version 3 not on m", "version 3 AVAILABLE") in told(found)
    assert ("alias", "no alias champion on m", "it names version 3") in told(found)


def test_a_server_that_is_down_says_how_often():
    down = ServerObservation("m", pid=7, restarts=3, configured_versions=(1,), configured_labels=STABLE.labels)
    found = differences(STABLE, replace(settled(STABLE), servers=(down,)))
    assert why(found, "server") == "It is starting and loads its versions, started again 3 times until now."
    assert why(found, "version") == "Server m does not answer."
    ended = differences(STABLE, replace(settled(STABLE), servers=(replace(down, pid=None, restarts=1),)))
    assert why(ended, "server") == "It is down."


def test_a_label_that_the_server_was_told_of_waits_for_its_word():
    observed = settled(TEST)
    server = replace(observed.servers[0], labels={Label.STABLE: 1, "champion": 1})
    found = differences(TEST, replace(observed, servers=(server,)))
    assert ("alias", "alias champion names version 3 on m", "it names version 1") in told(found)
    assert {each.why for each in found if each.what in ("alias", "label")} == {"Server m was told, and has not confirmed it yet."}


def test_a_generation_that_only_the_gateway_has_to_confirm_differs_alone():
    (found,) = differences(STABLE, replace(settled(STABLE), generation=0))
    assert (found.what, found.wanted, found.found) == ("generation", "generation 1", "none")


def test_there_is_a_difference_until_the_very_moment_that_all_is_in_force():
    serving = SimulatedServing("m", ManualClock(1000.0), delays=Delays(start=1, load=2, poll=1, gateway=1), drain_seconds=2.0)
    for desired in (STABLE, CANARY, STABLE.change(generation=3), TEST.change(generation=4), DesiredState("m", 5)):
        for _ in range(80):
            assert differences(desired, serving.observed())
            step = serving.step(desired)
            serving.clock.advance(1.0)
            serving.tick()
            if isinstance(step, Settled):
                break
        assert differences(desired, serving.observed()) == ()
