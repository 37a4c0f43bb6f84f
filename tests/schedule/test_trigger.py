"""When runs start: the first time, the following ones, between start and end."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tfx_rollout.schedule import Trigger

NOW = datetime(2027, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def test_a_cron_time_that_is_now_is_the_first():
    assert Trigger("0 0 12 * * *").first(NOW) == NOW
    assert Trigger("0 0 12 * * *").first(NOW + timedelta(microseconds=1)) == NOW + 24 * HOUR


def test_nothing_starts_before_the_start_and_after_the_end():
    trigger = Trigger("0 0 * * * *", start=NOW + timedelta(minutes=90), end=NOW + 3 * HOUR)
    assert trigger.first(NOW) == NOW + 2 * HOUR
    assert trigger.following(NOW + 2 * HOUR) == NOW + 3 * HOUR
    assert trigger.following(NOW + 3 * HOUR) is None
    assert trigger.first(NOW + 4 * HOUR) is None


def test_an_interval_counts_from_its_start_and_keeps_to_it():
    trigger = Trigger(interval_seconds=3600, start=NOW - timedelta(minutes=150))
    assert trigger.first(NOW) == NOW + timedelta(minutes=30)
    assert trigger.first(NOW + timedelta(minutes=30)) == NOW + timedelta(minutes=30)
    assert Trigger(interval_seconds=3600, start=NOW + HOUR).first(NOW) == NOW + HOUR


def test_an_interval_without_a_start_begins_one_interval_from_now():
    trigger = Trigger(interval_seconds=60)
    assert trigger.first(NOW) == NOW + timedelta(minutes=1)
    assert trigger.following(NOW + timedelta(minutes=1)) == NOW + timedelta(minutes=2)


def test_it_survives_being_stored():
    for trigger in (Trigger("0 30 2 * * *", start=NOW), Trigger(interval_seconds=5, end=NOW)):
        assert Trigger.from_json(trigger.to_json()) == trigger
    assert str(Trigger("0 30 2 * * *", start=NOW)) == "cron 0 30 2 * * * from 2027-01-01T12:00:00+00:00"
