from __future__ import annotations

import numpy as np
import pytest
from rivals import Kayenta, PeekedZ, Thresholds, kayenta
from rivals.rule import quantile_ms
from scipy import stats

from tfx_rollout.evidence import LatencyHistogram
from tfx_rollout.evidence.histogram import bucket_of
from tfx_rollout.rollout.judge import WindowBatch

BUCKETS = 260


def window(number: int, failures: tuple[int, int] = (0, 0), *, requests=(600, 600), ms=(5.0, 5.0), seconds: float = 60.0):
    """A window of one run in which every answer of a track takes as long."""
    latency = np.zeros((1, 2, BUCKETS), np.int64)
    for track in (0, 1):
        latency[0, track, bucket_of(1000 * ms[track])] = requests[track]
    pair = np.array([requests])
    failed = np.array([failures])
    return WindowBatch(
        number=number,
        start=seconds * number,
        end=seconds * (number + 1),
        share=np.array([0.5]),
        requests=pair,
        failures=failed,
        units=pair,
        unit_failures=failed,
        latency=latency,
        predictions=np.zeros((1, 2, 1), np.int64),
        labels=np.zeros((1, 1, 4), np.int64),
        missing=np.zeros((1, 1, 4), np.int64),
        pairs=np.zeros((1, 3), np.int64),
    )


def first_alarm(rule, windows) -> int | None:
    return next((number for number, batch in enumerate(windows, start=1) if rule.observe(batch)[0]), None)


def test_a_quantile_is_that_of_the_histogram():
    rng = np.random.default_rng(0)
    latencies = rng.lognormal(9, 0.6, 500)
    histogram = LatencyHistogram.of(latencies)
    dense = np.zeros((1, BUCKETS), np.int64)
    for bucket, times in histogram.counts.items():
        dense[0, bucket] = times
    for q in (0.5, 0.9, 0.99):
        assert quantile_ms(dense, q)[0] * 1000 == pytest.approx(histogram.quantile(q))


def test_thresholds_need_five_failed_minutes():
    assert first_alarm(Thresholds(1), [window(i, (60, 0)) for i in range(9)]) == 5
    assert first_alarm(Thresholds(1), [window(i, ms=(7.0, 5.0)) for i in range(9)]) == 5
    assert first_alarm(Thresholds(1), [window(i, (5, 5)) for i in range(9)]) is None
    assert first_alarm(Thresholds(1, min_requests=601), [window(i, (60, 0)) for i in range(9)]) is None


def test_a_minute_is_made_of_its_windows():
    quarters = [window(i, (60, 0), seconds=15.0) for i in range(40)]
    assert first_alarm(Thresholds(1), quarters) == 20


def test_the_peeked_test_alarms_when_a_two_sample_test_does():
    rule = PeekedZ(1)
    assert first_alarm(rule, [window(0, (3, 3)), window(1, (3, 3))]) is None
    table = [[40, 1760], [6, 1794]]
    assert stats.chi2_contingency(table, correction=False).pvalue / 2 < 0.05 / 3
    assert rule.observe(window(2, (34, 0)))[0]


def test_kayenta_waits_for_five_minutes_and_then_sees_a_large_shift():
    rng = np.random.default_rng(0)
    points = [window(i, (int(rng.integers(50, 70)), int(rng.integers(1, 9)))) for i in range(8)]
    assert first_alarm(Kayenta(1), points) == 5
    alike = [window(i, tuple(rng.integers(1, 9, 2))) for i in range(30)]
    assert first_alarm(Kayenta(1), alike) is None


def test_without_its_tolerance_kayentas_interval_is_the_rank_test(monkeypatch):
    monkeypatch.setattr(kayenta, "TOLERANCE", 0.0)
    rng = np.random.default_rng(0)
    canary, baseline = rng.normal(0.9, 1, (500, 12)), rng.normal(0, 1, (500, 12))
    test = [stats.mannwhitneyu(a, b, alternative="greater", method="asymptotic") for a, b in zip(canary, baseline, strict=True)]
    significant = np.array([result.pvalue for result in test]) < 0.01
    assert 0.1 < significant.mean() < 0.9
    assert (kayenta._high(canary + 50, baseline + 50) == significant).all()
