from __future__ import annotations

import json

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.traffic import Split, Track

ONE = TrackCounts(5, 2, 1, {"OK": 3, "INTERNAL": 1, "DEADLINE_EXCEEDED": 1}, LatencyHistogram.of([100, 200, 300, 400]))


def test_counts_add_up():
    twice = ONE + ONE
    assert (twice.requests, twice.failures, twice.unanswered, twice.latency.total) == (10, 4, 2, 8)
    assert twice.codes == {"OK": 6, "INTERNAL": 2, "DEADLINE_EXCEEDED": 2}
    assert ONE + TrackCounts() == ONE


def test_a_window_survives_its_json():
    window = Window(3, 10.25, 25.5, Split(500), {Track.CANARY: ONE}, closed_by="split", void=True)
    assert Window.from_json(json.loads(json.dumps(window.to_json()))) == window


def test_a_track_without_requests_counts_nothing():
    assert Window(1, 0, 1, Split()).counts(Track.CANARY) == TrackCounts()
