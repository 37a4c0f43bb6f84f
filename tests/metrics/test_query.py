from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence.histogram import GROWTH, LatencyHistogram
from tfx_rollout.metrics.cell import BUCKETS, Cell, Key, Tally
from tfx_rollout.metrics.query import describe, quantiles_ms
from tfx_rollout.traffic import Track

T0 = 1_795_000_200.0
STABLE, CANARY = Key("taxi", Track.STABLE, 1, "grpc"), Key("taxi", Track.CANARY, 2, "grpc")


def cell(*requests):
    tally = Tally()
    for code, ms in requests:
        tally.add(code, ms * 1000)
    return tally.cell()


def described(cells, *, steps=3, complete_from=0.0, counted_until=T0 + 1000):
    bounds = {"since": T0, "until": T0 + 10 * steps, "step": 10.0}
    return describe("taxi", cells, **bounds, complete_from=complete_from, counted_until=counted_until)


@given(st.lists(st.floats(10, 1e7), min_size=1, max_size=300))
def test_quantiles_are_those_of_the_histogram_and_near_the_exact_ones(durations_us):
    histogram = LatencyHistogram.of(durations_us)
    dense = np.zeros((1, BUCKETS), np.int64)
    for bucket, count in histogram.counts.items():
        dense[0, bucket] = count
    (found,) = quantiles_ms(dense)
    for q, ms in zip((0.5, 0.9, 0.99), found, strict=True):
        assert ms == pytest.approx(histogram.quantile(q) / 1000)
        exact = sorted(durations_us)[max(1, math.ceil(q * len(durations_us))) - 1] / 1000
        assert exact * (1 - 1e-6) <= ms <= exact * GROWTH * (1 + 1e-6)


def test_rows_without_requests_have_no_quantiles():
    dense = np.zeros((2, BUCKETS), np.int64)
    dense[1, 5] = 1
    empty, one = quantiles_ms(dense)
    assert set(empty) == {None}
    assert len(set(one)) == 1


def test_series_tell_each_version_and_tracks_all_versions_of_one():
    traffic = described(
        [
            (T0, STABLE, cell(("OK", 5), ("INTERNAL", 5))),
            (T0 + 10, STABLE._replace(version=3), cell(("OK", 5))),
            (T0 + 10, STABLE._replace(protocol="rest"), cell(("OK", 5))),
            (T0 + 20, CANARY, cell(("OK", 50))),
        ]
    )
    assert [(series.track, series.version, series.totals.requests) for series in traffic.series] == [
        (Track.CANARY, 2, 1),
        (Track.STABLE, 1, 3),
        (Track.STABLE, 3, 1),
    ]
    assert [(series.track, series.totals.requests) for series in traffic.tracks] == [(Track.CANARY, 1), (Track.STABLE, 4)]
    (stable,) = [series for series in traffic.tracks if series.track is Track.STABLE]
    assert [point.requests for point in stable.points] == [2, 2, 0]
    assert stable.totals.codes == {"OK": 3, "INTERNAL": 1}
    assert (stable.totals.failures, stable.totals.error_rate) == (1, 0.25)


def test_the_total_of_a_model_leaves_out_copies():
    traffic = described([(T0, STABLE, cell(("OK", 5))), (T0, Key("taxi", Track.SHADOW, 2, "grpc"), cell(("OK", 5)))])
    assert traffic.totals.requests == 1


def test_requests_that_no_version_answered_come_last():
    traffic = described([(T0, STABLE._replace(version=None), cell(("UNAVAILABLE", 5))), (T0, STABLE, cell(("OK", 5)))])
    assert [series.version for series in traffic.series] == [1, None]


def test_throughput_is_of_the_time_that_is_known():
    traffic = described(
        [(T0, STABLE, cell(*[("OK", 5)] * 10)), (T0 + 20, STABLE, cell(*[("OK", 5)] * 10))],
        complete_from=T0 + 5,
        counted_until=T0 + 22,
    )
    (series,) = traffic.series
    assert [point.seconds for point in series.points] == [5, 10, 2]
    assert [point.requests_per_second for point in series.points] == [2, 0, 5]
    assert series.totals.seconds == 17


def test_accuracy_is_none_where_no_label_came():
    cells = [(T0, STABLE, cell(("OK", 5))), (T0 + 10, STABLE, Cell(labelled=4, correct=3))]
    (series,) = described(cells).series
    assert [point.accuracy for point in series.points] == [None, 0.75, None]
    assert (series.totals.requests, series.totals.accuracy) == (1, 0.75)


def test_a_quiet_model_has_figures_and_no_series():
    traffic = described([])
    assert traffic.series == traffic.tracks == ()
    assert traffic.totals.to_json() == {
        "requests": 0,
        "failures": 0,
        "codes": {},
        "error_rate": None,
        "requests_per_second": 0.0,
        "p50_ms": None,
        "p90_ms": None,
        "p99_ms": None,
        "labelled": 0,
        "correct": 0,
        "accuracy": None,
    }


def test_a_series_has_a_point_for_each_step():
    traffic = described([(T0 + 10, CANARY, cell(("OK", 5)))])
    (series,) = traffic.series
    assert (series.track, series.version) == ("canary", 2)
    points = zip(traffic.starts, series.points, strict=True)
    assert [(start, point.requests) for start, point in points] == [(T0, 0), (T0 + 10, 1), (T0 + 20, 0)]


def test_what_lies_outside_of_the_span_is_passed_over():
    assert described([(T0 - 10, STABLE, cell(("OK", 5))), (T0 + 30, STABLE, cell(("OK", 5)))]).totals.requests == 0
