"""Users as units: each once in a stage, whoever counts and whatever is forgotten."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence.access_log import AccessLogSource

from ..conftest import T0
from .conftest import WAITING_S


def with_users(folder, *, since=T0):
    return AccessLogSource(folder, waiting_s=WAITING_S, unit="user", model="taxi", since=since)


def user_counts(source, start, end):
    tracks = source.counts("taxi", T0 + start, T0 + end).tracks
    return {str(track): (counts.units, counts.unit_failures) for track, counts in sorted(tracks.items())}


def test_users_are_counted_for_one_model_only(tmp_path):
    with pytest.raises(InvalidInput, match="one model"):
        AccessLogSource(tmp_path, unit="user")


def test_users_are_counted_by_the_stage_and_anew_after_a_restart_with_the_same_result(log):
    log.heartbeat(T0 - 1)
    log.request(T0 + 1, unit="a")
    log.request(T0 + 2, unit="b", code=13)
    log.request(T0 + 3, unit="b", code=13)
    log.request(T0 + 3, unit="c", track="stable")
    log.request(T0 + 4)
    for second in (12, 22):
        log.request(T0 + second, unit="a")
        log.request(T0 + second, unit="c", code=13 if second == 22 else 0)
        log.request(T0 + second, unit="d", track="stable")
    log.request(T0 + 23, unit="c", code=13)
    log.progress(T0 + 24, 0.5, unit="e")
    log.heartbeat(T0 + 40)
    windows = [(0, 10), (10, 20), (20, 30)]
    expected = [
        {"canary": (2, 1), "stable": (1, 0)},
        {"canary": (1, 0), "stable": (1, 0)},
        {"canary": (2, 2), "stable": (1, 0)},
    ]

    def counted(source, window):
        source.set_stages([T0, T0 + 11] if window != (0, 10) else [T0])
        return user_counts(source, *window)

    live = with_users(log.folder)
    assert [counted(live, window) for window in windows] == expected
    for window, found in zip(windows, expected, strict=True):
        assert counted(with_users(log.folder), window) == found
    # What was forgotten as a request is remembered as a user.
    forgetful = with_users(log.folder)
    for window, found in zip(windows, expected, strict=True):
        assert counted(forgetful, window) == found
        forgetful.forget(T0 + window[1])


def test_a_copy_counts_for_the_user_of_its_original(log):
    log.heartbeat(T0 - 1)
    for number in range(8):
        log.request(T0 + 1 + number, track="stable", request_id=f"r{number}", unit=f"u{number % 2}")
        log.request(T0 + 1.001 + number, track="shadow", request_id=f"r{number}", code=13 if number == 5 else 0)
    log.request(T0 + 4, track="shadow", request_id="nobodys")
    log.heartbeat(T0 + 20)
    source = with_users(log.folder)
    source.set_stages([T0])
    assert user_counts(source, 0, 5) == {"stable": (2, 0), "shadow": (2, 0)}
    source.forget(T0 + 5)
    assert user_counts(source, 5, 10) == {"stable": (2, 0), "shadow": (2, 1)}
    # An interval may begin between the two.
    assert user_counts(source, 6.0005, 7) == {"shadow": (1, 1)}


def test_users_go_on_counting_when_the_clock_was_set_back(log):
    source = with_users(log.folder, since=T0 - 10)
    log.heartbeat(T0)
    log.request(T0 + 1, unit="a")
    log.heartbeat(T0 + 10)
    assert user_counts(source, 0, 5) == {"canary": (1, 0)}
    log.beat(T0 - 5)
    log.request(T0 - 4, unit="b")
    log.request(T0 + 3, unit="c", code=13)
    log.flush()
    log.heartbeat(T0 + 20)
    assert user_counts(source, -4.5, 5) == {"canary": (2, 1)}
