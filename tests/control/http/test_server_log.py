"""Strangers cannot fill the log, and errors are not kept quiet."""

from __future__ import annotations

import logging

from tfx_rollout.control.http.server_log import Seldom


def record(text: str, *given: object, error: bool = False) -> logging.LogRecord:
    found = (ValueError, ValueError("x"), None) if error else None
    return logging.LogRecord("uvicorn.error", logging.WARNING, __file__, 1, text, given, found)


def test_one_and_the_same_is_said_once_a_minute():
    now = [0.0]
    seldom = Seldom(clock=lambda: now[0])
    assert [seldom.filter(record("no HTTP from %d", number)) for number in range(3)] == [True, False, False]
    assert seldom.filter(record("something else"))
    now[0] = 60.0
    assert seldom.filter(record("no HTTP from %d", 4))


def test_errors_with_their_story_are_all_told():
    assert all(Seldom().filter(record("failed", error=True)) for _ in range(3))


def test_a_stream_that_broke_off_on_purpose_is_nothing_to_report():
    assert not Seldom().filter(record("ASGI callable returned without completing response."))
