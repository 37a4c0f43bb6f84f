"""The shipped fakes keep their word."""

from __future__ import annotations

import pytest

from tfx_rollout.evidence import EvidenceSource, TrackCounts
from tfx_rollout.evidence.labels import LabelSource
from tfx_rollout.testing import Behaviour, InMemoryEvidence, ManualClock, SimulatedServing
from tfx_rollout.traffic import DesiredState, Label, Split, Track


def serving_with_canary(share: float) -> SimulatedServing:
    serving = SimulatedServing("m", ManualClock(1000.0))
    serving.settle(DesiredState("m", 1, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, Split.of(share)))
    return serving


def test_the_evidence_is_the_same_however_it_is_cut_into_windows():
    serving = serving_with_canary(0.2)
    source: EvidenceSource = InMemoryEvidence(serving.clock, serving.split_at, canary=Behaviour(failures=0.1), seed=5)
    serving.clock.advance(60.0)
    whole = source.counts("m", 1000.0, 1060.0).tracks
    parts = {track: TrackCounts() for track in whole}
    for start, end in ((1000.0, 1007.3), (1007.3, 1007.4), (1007.4, 1055.0), (1055.0, 1060.0)):
        for track, counts in source.counts("m", start, end).tracks.items():
            parts[track] += counts
    assert parts == whole
    assert whole[Track.CANARY].failures > 0
    assert whole[Track.STABLE].failures == 0
    share = whole[Track.CANARY].requests / sum(counts.requests for counts in whole.values())
    assert share == pytest.approx(0.2, abs=0.03)


def test_requests_fall_on_the_tracks_by_the_split_of_their_moment():
    serving = serving_with_canary(0.5)
    source = InMemoryEvidence(serving.clock, serving.split_at)
    serving.clock.advance(10.0)
    serving.settle(DesiredState("m", 2, (1,), {Label.STABLE: 1}))
    serving.clock.advance(10.0)
    assert source.counts("m", 1000.0, 1010.0).tracks[Track.CANARY].requests > 0
    assert source.counts("m", 1010.0, 1020.0).tracks[Track.CANARY].requests == 0


def test_copies_fall_on_the_shadow_while_they_are_mirrored_and_are_what_the_candidate_makes_of_stables_requests():
    serving = serving_with_canary(0.0)
    serving.settle(DesiredState("m", 2, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}, mirror=5000))
    source = InMemoryEvidence(
        serving.clock, serving.split_at, mirror_at=serving.mirror_at, canary=Behaviour(failures=0.2, classes={"dog": 1.0}), seed=5
    )
    serving.clock.advance(60.0)
    serving.settle(DesiredState("m", 3, (1, 2), {Label.STABLE: 1, Label.CANARY: 2}))
    serving.clock.advance(10.0)
    tracks = source.counts("m", 1000.0, 1060.0).tracks
    shadow, stable = tracks[Track.SHADOW], tracks[Track.STABLE]
    assert shadow.requests / stable.requests == pytest.approx(0.5, abs=0.05)
    assert shadow.failures / shadow.requests == pytest.approx(0.2, abs=0.05)
    assert shadow.predictions == {"dog": shadow.requests}
    assert tracks[Track.CANARY].requests == 0
    assert Track.SHADOW not in source.counts("m", 1060.0, 1070.0).tracks


def test_units_are_the_requests_and_one_latency_a_track_and_slot():
    serving = serving_with_canary(0.5)
    source = InMemoryEvidence(serving.clock, serving.split_at, rate=100.0)
    serving.clock.advance(60.0)
    for counts in source.counts("m", 1000.0, 1060.0).tracks.values():
        assert (counts.units, counts.unit_failures) == (counts.requests, counts.failures)
        assert 500 < counts.unit_latency.total <= 600 < counts.latency.total


def test_labels_come_some_time_after_their_requests_each_at_one_age():
    serving = serving_with_canary(0.5)
    source = InMemoryEvidence(serving.clock, serving.split_at, canary=Behaviour(wrong=0.3), label_delay_seconds=25.0)
    labels: LabelSource = source.labels
    serving.clock.advance(100.0)
    ages = [
        labels.counts("m", 1000.0, 1010.0, from_age=low, to_age=high) for low, high in ((-9.0, 15.0), (15.0, 20.0), (20.0, 90.0))
    ]
    assert [sum(tally.labelled.values()) > 0 for tally in ages] == [False, True, True]
    predicted = labels.predicted("m", 1000.0, 1010.0)
    assert {track: sum(tally.labelled[track] for tally in ages) for track in predicted} == predicted
    assert sum(tally.wrong[Track.STABLE] for tally in ages) == 0
    assert sum(tally.wrong[Track.CANARY] for tally in ages) / predicted[Track.CANARY] == pytest.approx(0.3, abs=0.1)


def test_what_the_source_cannot_vouch_for_is_a_gap():
    serving = serving_with_canary(0.5)
    source = InMemoryEvidence(serving.clock, serving.split_at, gaps=[(1005.0, 1006.0)], waiting_seconds=3.0)
    serving.clock.advance(20.0)
    assert source.horizon() == 1017.0
    assert source.counts("m", 1000.0, 1005.0).gap is False
    assert source.counts("m", 1005.5, 1010.0).gap is True


def test_the_simulated_server_refuses_to_move_a_label_to_a_version_that_is_not_available():
    serving = serving_with_canary(0.5)
    server = serving.servers["m"]
    server.configure(type(server.spec)((1, 3), {Label.STABLE: 3}))
    server.tick()
    assert server.answers(Label.STABLE) == 1
    assert server.refusals == ["m refused to move label stable to version 3: not available"]
