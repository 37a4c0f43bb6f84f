"""The columns for charts: bounded, and true to the windows they come from."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.evidence import LabelCounts, LatencyHistogram, TrackCounts, Window
from tfx_rollout.rollout import Call, Verdict
from tfx_rollout.rollout.report.series import MOST_POINTS, window_series
from tfx_rollout.traffic import Split, Track

TRACKS = (Track.STABLE, Track.CANARY)


def window(number: int, canary: int = 5, failures: int = 1) -> Window:
    latency = LatencyHistogram.of([1000.0 * number] * canary)
    tracks = {Track.STABLE: TrackCounts(requests=45), Track.CANARY: TrackCounts(canary, failures, latency=latency)}
    labels = (LabelCounts(number, 0, 1, 4, 2, 40),)
    return Window(number, 10.0 * number, 10.0 * number + 10, Split.of(0.1), tracks, labels=labels)


def verdict(number: int) -> Verdict:
    return Verdict(Call.HOLD, ("Because.",), float(number), 20.0)


MANY = [window(number) for number in range(1, 3 * MOST_POINTS + 8)]
VERDICTS = {w.number: verdict(w.number) for w in MANY}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(MANY)))
def test_columns_are_of_equal_bounded_length_and_lose_no_count(n):
    series = window_series(MANY[:n], VERDICTS, ["errors"], TRACKS)
    columns = [series[name] for name in ("window", "start", "end", "share_set", "share_served", "e_value")]
    columns += [column for track in series["tracks"].values() for column in track.values()]
    assert {len(column) for column in columns} == {len(series["window"])}
    assert len(series["window"]) <= MOST_POINTS
    assert sum(series["tracks"]["canary"]["failures"]) == n
    assert sum(series["labels"]["stable_wrong"]) == 2 * n if n else series["labels"] is None
    if n:
        assert (series["window"][-1], series["end"][-1], series["e_value"][-1]) == (n, 10.0 * n + 10, n)


def test_a_window_without_requests_or_verdict_has_nothing_to_tell():
    empty = Window(1, 0.0, 10.0, Split.of(0.1))
    series = window_series([empty], {}, ["errors"], TRACKS)
    assert (series["share_set"], series["share_served"]) == ([0.1], [None])
    assert (series["e_value"], series["metrics"]) == ([None], {"errors": [None]})
    assert (series["tracks"]["canary"]["p99_ms"], series["labels"]) == ([None], None)


def test_latencies_are_quantiles_in_milliseconds():
    series = window_series([window(8)], {}, [], TRACKS)
    assert 8.0 <= series["tracks"]["canary"]["p50_ms"][0] <= 8.0 * 1.05
