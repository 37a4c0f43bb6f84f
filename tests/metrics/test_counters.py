from __future__ import annotations

from tfx_rollout.metrics.cell import Key
from tfx_rollout.metrics.counters import BOUNDS_S, TrafficCounters
from tfx_rollout.traffic import Track

KEY = Key("taxi", Track.STABLE, 1, "grpc")


def test_only_what_ended_or_arrived_since_the_start_counts():
    counters = TrafficCounters(100.0)
    for ended in (99.0, 100.0, 101.0):
        counters.count(ended, KEY, "OK", 3000)
        counters.judge(ended, KEY, ended != 101.0)
    (found,) = counters.snapshot()[0].values()
    assert found.codes == {"OK": 2}
    assert found.judged == {True: 1, False: 1}
    assert found.seconds == 0.006


def test_a_duration_on_a_bound_lies_below_it():
    counters = TrafficCounters(0.0)
    for seconds in (0.0, 0.001, 0.0011, 60.0, 61.0):
        counters.count(1.0, KEY, "OK", seconds * 1e6)
    (found,) = counters.snapshot()[0].values()
    assert found.durations[0] == 2
    assert found.durations[1] == 1
    assert found.durations[len(BOUNDS_S) - 1] == 1
    assert found.durations[len(BOUNDS_S)] == 1


def test_beyond_the_bound_the_series_that_rested_longest_goes():
    counters = TrafficCounters(0.0, most=2)
    for ended, version in ((1.0, 1), (2.0, 2), (3.0, 1), (4.0, 3)):
        counters.count(ended, KEY._replace(version=version), "OK", 1)
    assert {key.version for key in counters.snapshot()[0]} == {1, 3}


def test_a_snapshot_stays_as_it_is():
    counters = TrafficCounters(0.0)
    counters.count(1.0, KEY, "OK", 1)
    counters.feedback("taxi", 2)
    requests, rows = counters.snapshot()
    counters.count(2.0, KEY, "OK", 1)
    counters.feedback("taxi", 1)
    assert requests[KEY].codes == {"OK": 1}
    assert rows == {"taxi": 2}
