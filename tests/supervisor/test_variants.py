"""Variants, aliases and pinned versions on real model servers behind a real Envoy, under steady requests."""

from __future__ import annotations

from collections import Counter

import pytest

from tfx_rollout.supervisor.traffic_record import read_record
from tfx_rollout.traffic import Label, Split, Track

pytestmark = pytest.mark.integration

TWO, THREE = 3.0, 4.0
"""What `plus_two` and `plus_three` answer for x = 2."""


def numbers(serving) -> dict:
    return read_record(serving.root / "gateway" / "traffic.json").in_force.traffic["m"].numbers


def test_no_request_fails_while_an_a_b_test_comes_and_goes_and_the_operators_names_answer_throughout(serving, wait_until):
    serving.go_live(1)
    with serving.load() as load:
        load.await_more(20)
        test = serving.desire(
            versions=(1, 2),
            labels={Label.STABLE: 1, Label.VARIANT_B: 2},
            split=Split.among({Track.VARIANT_B: 0.4}),
            pinned=(2,),
            aliases={"champion": 2, "eu.best": 1},
        )
        serving.in_force(test)
        drawn = load.await_more(300)
        assert {(a.track, a.value) for a in drawn if not a.fault} == {("stable", TWO), ("variant-b", THREE)}
        # 300 draws at 0.4: five standard deviations are 0.14.
        assert 0.26 < Counter(a.track for a in drawn)["variant-b"] / len(drawn) < 0.54
        assert (serving.ask(label="champion"), serving.ask(label="eu.best"), serving.ask(label="variant-b")) == (
            THREE,
            TWO,
            THREE,
        )
        observed = serving.observed()
        assert [server.name for server in observed.servers] == ["m"]
        assert observed.servers[0].labels == {**test.labels, **test.aliases}
        wait_until(lambda: numbers(serving) == {Track.STABLE: 1, Track.VARIANT_B: 2}, what="the tracks' numbers")

        # The variant wins: its share never falls, and the alias moves.
        serving.in_force(serving.desire(labels={Label.STABLE: 2}, split=Split(), aliases={"champion": 1}))
        assert {(a.track, a.value) for a in load.await_more(50)[5:]} == {("stable", THREE)}
        assert (serving.ask(label="champion"), serving.ask(label="eu.best")) == (TWO, None)
        wait_until(lambda: numbers(serving) == {Track.STABLE: 2}, what="the number of the new stable version")

        # A pinned version stays loaded when nothing else needs it, and goes when it is unpinned.
        serving.in_force(serving.desire(labels={Label.STABLE: 1}, aliases={}))
        assert serving.ask(version=2) == THREE
        serving.in_force(serving.desire(versions=(1,), pinned=()))
        assert serving.ask(version=2) is None
    assert load.failures == []
    assert {(a.value, a.version) for a in load.answers} == {(TWO, "1"), (THREE, "2")}
