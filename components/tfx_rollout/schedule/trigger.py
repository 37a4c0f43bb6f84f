"""When a schedule starts its runs: a cron expression or an interval, between two times. A pure value, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from tfx_rollout.schedule.cron import Cron, Every, parse_cron


@dataclass(frozen=True)
class Trigger:
    """Exactly one of `cron` and `interval_seconds` is set; `start` and `end` are aware, in UTC, in whole seconds."""

    cron: str | None = None
    interval_seconds: int | None = None
    start: datetime | None = None
    end: datetime | None = None

    @cached_property
    def times(self) -> Cron | Every:
        """The parsed expression or interval."""
        return parse_cron(self.cron) if self.cron is not None else Every(self.interval_seconds or 1)

    def first(self, now: datetime) -> datetime | None:
        """The first time that is not before `now` and `start`; None when there is none.

        An interval begins at `start`, or one interval after `now`.
        """
        if isinstance(self.times, Every):
            if self.start is None:
                return self._within(self.times.next_after(now))
            behind = max(timedelta(), now - self.start)
            steps = -(-behind // timedelta(seconds=self.times.seconds))
            return self._within(self.start + steps * timedelta(seconds=self.times.seconds))
        return self._within(self.times.next_after(max(now, self.start or now) - timedelta(microseconds=1)))

    def following(self, previous: datetime) -> datetime | None:
        """The time after one that this trigger gave; None when it was the last."""
        return self._within(self.times.next_after(previous))

    def to_json(self) -> dict[str, Any]:
        return {
            "cron": self.cron,
            "interval_seconds": self.interval_seconds,
            "start": None if self.start is None else written(self.start),
            "end": None if self.end is None else written(self.end),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trigger:
        start, end = (None if data[name] is None else datetime.fromisoformat(data[name]) for name in ("start", "end"))
        return cls(data["cron"], data["interval_seconds"], start, end)

    def __str__(self) -> str:
        often = f"cron {self.cron}" if self.cron is not None else f"every {self.interval_seconds} s"
        start = "" if self.start is None else f" from {written(self.start)}"
        end = "" if self.end is None else f" until {written(self.end)}"
        return f"{often}{start}{end}"

    def _within(self, time: datetime | None) -> datetime | None:
        return None if time is None or (self.end is not None and time > self.end) else time


def written(time: datetime) -> str:
    """A time as RFC 3339 in UTC, read by `datetime.fromisoformat` of every Python."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds")
