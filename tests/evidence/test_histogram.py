from __future__ import annotations

import math

from hypothesis import assume, given
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.evidence.histogram import FLOOR_US, GROWTH, bucket_of, upper_us

latencies = st.lists(st.floats(0.1, 1e8), min_size=1, max_size=80)


@given(st.floats(0.1, 1e9))
def test_a_bucket_holds_what_lies_between_its_edges(latency):
    bucket = bucket_of(latency)
    assert latency <= upper_us(bucket) * (1 + 1e-6)
    assert bucket == 0 or latency > upper_us(bucket - 1) * (1 - 1e-6)


@given(latencies, st.sampled_from([0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_right_to_the_width_of_a_bucket(values, q):
    exact = sorted(values)[max(1, math.ceil(q * len(values))) - 1]
    found = LatencyHistogram.of(values).quantile(q)
    assert max(exact, FLOOR_US) * (1 - 1e-6) <= found <= max(exact, FLOOR_US) * GROWTH * (1 + 1e-6)


@given(latencies, latencies)
def test_histograms_add_like_their_values(one, other):
    assert LatencyHistogram.of(one) + LatencyHistogram.of(other) == LatencyHistogram.of(one + other)


@given(latencies)
def test_a_histogram_survives_its_json(values):
    histogram = LatencyHistogram.of(values)
    assert LatencyHistogram.from_json(histogram.to_json()) == histogram
    assert histogram.total == len(values)


@given(latencies, st.floats(1, 1e7))
def test_what_is_above_a_threshold_is_slower_than_its_bucket(values, threshold):
    edge = upper_us(bucket_of(threshold))
    # Within rounding of an edge, either bucket is right.
    assume(not any(math.isclose(value, edge, rel_tol=1e-8) for value in values))
    assert LatencyHistogram.of(values).above(threshold) == sum(value > edge for value in values)


def test_an_empty_histogram_has_no_quantile():
    assert LatencyHistogram().quantile(0.5) is None
