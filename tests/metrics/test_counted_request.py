from __future__ import annotations

import pytest

from tfx_rollout.evidence.access_log_line import LogLine
from tfx_rollout.metrics.counted_request import counted_request
from tfx_rollout.traffic import Track


def counted(log, **fields):
    return counted_request(LogLine.parse(log.request_line(1_795_000_000, 8.0, **fields).rstrip("\n")))


def test_a_drawn_request_counts_on_its_track_with_the_version_that_answered(log):
    request = counted(log, track="canary", version=7)
    assert (request.model, request.track, request.version, request.protocol) == ("taxi", Track.CANARY, 7, "grpc")
    assert (request.code, request.ended) == ("OK", 1_795_000_000)
    assert request.duration_us == pytest.approx(8000)


@pytest.mark.parametrize(
    ("route", "cluster", "track", "served_by"),
    [
        ("draw/taxi/rest", "taxi~variant-b~rest", Track.VARIANT_B, Track.VARIANT_B),
        ("shadow", "taxi~shadow~grpc", Track.SHADOW, Track.SHADOW),
        ("forced/taxi/canary/grpc", "taxi~canary~grpc", Track.PINNED, Track.CANARY),
        ("pinned/taxi/canary/label/grpc", "taxi~canary~grpc", Track.PINNED, Track.CANARY),
        ("pinned/taxi/rest", "taxi~pinned~rest", Track.PINNED, Track.PINNED),
    ],
)
def test_what_the_client_chose_is_pinned_and_everything_else_on_its_own_track(log, route, cluster, track, served_by):
    request = counted(log, route=route, cluster=cluster)
    assert (request.track, request.served_by) == (track, served_by)


@pytest.mark.parametrize(
    "fields",
    [
        {"route": "heartbeat", "cluster": "-"},
        {"route": "metadata/taxi/grpc"},
        {"route": "status/taxi/grpc", "cluster": "taxi~pinned~grpc"},
        {"route": "pinned/taxi/canary/label/grpc/status"},
        {"route": "forced/taxi/unknown/rest", "cluster": "-"},
        {"route": "unknown/rest", "cluster": "-"},
        {"kind": "DownstreamPeriodic"},
        {"received_us": "-", "answered_us": "-", "http_code": 0},
    ],
)
def test_what_is_no_request_of_a_version_does_not_count(log, fields):
    assert counted(log, **fields) is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"code": 3}, "INVALID_ARGUMENT"),
        ({"route": "draw/taxi/rest", "cluster": "taxi~stable~rest", "http_code": 503, "code": "-"}, "UNAVAILABLE"),
        ({"route": "draw/taxi/rest", "cluster": "taxi~stable~rest", "code": "-"}, "OK"),
        ({"answered_us": "-", "flags": "DC"}, "CANCELLED"),
        ({"answered_us": "-", "flags": "UC"}, "UNAVAILABLE"),
        ({"answered_us": "-", "http_code": 504, "code": 4, "flags": "UT"}, "DEADLINE_EXCEEDED"),
    ],
)
def test_every_answer_has_the_name_of_a_status(log, fields, code):
    assert counted(log, **fields).code == code


def test_what_hangs_counts_for_as_long_as_its_client_waited(log):
    line = log.request_line(1_795_000_000, 9000, answered_us="-", http_code=0, code="-", flags="DC")
    request = counted_request(LogLine.parse(line.rstrip("\n")))
    assert request.duration_us == pytest.approx(9e6)


def test_the_time_in_which_the_client_sent_its_request_is_not_the_models(log):
    assert counted(log, received_us=3000).duration_us == pytest.approx(5000)
