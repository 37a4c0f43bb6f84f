"""Six-field cron expressions, seconds first, as Kubeflow Pipelines reads them. Pure; all times are UTC.

Kubeflow Pipelines parses with robfig/cron 1.2.0. What is accepted here means the same there.
A few things that parser takes are refused, since nobody means them: five fields (it would read
the minutes as seconds), steps longer than their field, empty parts of a list.

    second  0-59     minute  0-59     hour  0-23     day of the month  1-31
    month   1-12 or jan-dec           day of the week  0-6 or sun-sat, 0 is Sunday

Each field is `*` or `?` (any), a number, a range `a-b`, a step `*/n`, `a/n`, `a-b/n`, or a list of
these. Where both days are given, either suffices. `@yearly`, `@monthly`, `@weekly`, `@daily` and
`@hourly` stand for what they say, `@every 1h30m` for an interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_YEARS_AHEAD = 9
"""No day comes more rarely than a 29th of February around a year without one, such as 2100."""
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(?P<low>\*|\?|[0-9a-z]+)(?:-(?P<high>[0-9a-z]+))?(?:/(?P<step>[0-9]+))?")


class CronFault(ValueError):
    """Why a text is no cron expression, and the mend: the rest of a sentence that begins with the text."""


@dataclass(frozen=True)
class Field:
    """One field: what it is called, the values it may have, and names for them."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of the week", 0, 6, _DAYS),
)


@dataclass(frozen=True)
class Cron:
    """The times that an expression names: the values of its six fields, and which of the two days are open (`*`)."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    """0 is Sunday."""
    any_day: bool
    any_weekday: bool

    def next_after(self, moment: datetime) -> datetime | None:
        """The first of these times after `moment` (aware); None when there is none within nine years."""
        start = moment.astimezone(timezone.utc).replace(microsecond=0) + timedelta(seconds=1)
        day = start.date()
        end = day.replace(year=day.year + _YEARS_AHEAD, day=1)
        earliest = (start.hour, start.minute, start.second)
        while day < end:
            if day.month in self.months and self._on(day.day, day.isoweekday() % 7):
                found = self._time(earliest)
                if found is not None:
                    return datetime(day.year, day.month, day.day, *found, tzinfo=timezone.utc)
            day, earliest = day + timedelta(days=1), (0, 0, 0)
        return None

    def _on(self, day: int, weekday: int) -> bool:
        on_day, on_weekday = day in self.days, weekday in self.weekdays
        return on_day and on_weekday if self.any_day or self.any_weekday else on_day or on_weekday

    def _time(self, earliest: tuple[int, int, int]) -> tuple[int, int, int] | None:
        """The first time of a day that is not before `earliest`."""
        for hour in (hour for hour in self.hours if hour >= earliest[0]):
            for minute in self.minutes:
                if (hour, minute) < earliest[:2]:
                    continue
                for second in self.seconds:
                    if (hour, minute, second) >= earliest:
                        return hour, minute, second
        return None


@dataclass(frozen=True)
class Every:
    """An interval in whole seconds, counted from a first time."""

    seconds: int

    def next_after(self, moment: datetime) -> datetime:
        """`seconds` after the moment, on the full second."""
        return moment.astimezone(timezone.utc).replace(microsecond=0) + timedelta(seconds=self.seconds)


def parse_cron(text: str) -> Cron | Every:
    """What an expression means. Raises `CronFault`."""
    text = text.strip()
    if re.match(r"(CRON_)?TZ=", text):
        raise CronFault("names a time zone; schedules are in UTC, write the time in UTC and leave the zone out")
    if text.startswith("@"):
        return _descriptor(text)
    parts = text.split()
    if len(parts) == 5:
        raise CronFault(_five_fields(parts))
    if len(parts) != 6:
        raise CronFault(
            f"has {len(parts)} field{'' if len(parts) == 1 else 's'}; give six (second, minute, hour, day of the month, month, "
            "day of the week), such as '0 30 2 * * *' for 02:30 UTC every day"
        )
    (seconds, _), (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = (
        _values(part, field) for part, field in zip(parts, FIELDS, strict=True)
    )
    cron = Cron(seconds, minutes, hours, days, months, weekdays, any_day, any_weekday)
    if cron.next_after(datetime(2000, 1, 1, tzinfo=timezone.utc)) is None:
        raise CronFault("never comes true: no such month has such a day; correct the day or the month")
    return cron


def expression(text: str) -> str:
    """An expression as its six fields: descriptors such as @daily by what they stand for."""
    text = text.strip()
    return _DESCRIPTORS.get(text, text)


def times_after(what: Cron | Every, moment: datetime) -> Iterator[datetime]:
    """All times after a moment, one after the other."""
    following = what.next_after(moment)
    while following is not None:
        yield following
        following = what.next_after(following)


def _five_fields(parts: list[str]) -> str:
    meant = " ".join(["0", *parts])
    sentence = "has five fields; Kubeflow Pipelines reads seconds first, so that each would shift by one"
    try:
        shifted = _shifted(parts)
    except CronFault:
        return f"{sentence}; write {meant!r}"
    return f"{sentence} ({shifted}); write {meant!r}"


def _shifted(parts: list[str]) -> str:
    """When five fields would run: with the day of the week open."""
    shifted = parse_cron(" ".join([*parts, "*"]))
    times = times_after(shifted, datetime(2023, 12, 31, 23, 59, 59, tzinfo=timezone.utc))
    first, second = next(times), next(times)
    gap = (second - first).total_seconds()
    words = {1: "each second", 60: "each minute", 3600: "each hour", 86400: "each day"}
    at = f"first at {first:%H:%M:%S}, then at {second:%H:%M:%S}" if first.date() == second.date() else f"at {first:%H:%M:%S}"
    months = getattr(shifted, "months", ())
    season = "" if len(months) == 12 else f", in month {', '.join(map(str, months))} alone"
    return f"it would run {words.get(int(gap), at)}{season}"


def _descriptor(text: str) -> Cron | Every:
    if text in _DESCRIPTORS:
        return parse_cron(_DESCRIPTORS[text])
    if not text.startswith("@every "):
        raise CronFault(f"is unknown; use one of {', '.join(_DESCRIPTORS)}, or '@every 1h30m'")
    seconds = _duration(text[len("@every ") :].strip())
    if seconds is None:
        raise CronFault("has no duration; write it as '@every 1h30m' or '@every 90s'")
    if seconds < 1:
        raise CronFault("is shorter than a second; the shortest interval is 1 second")
    return Every(int(seconds))


def _duration(text: str) -> float | None:
    """Seconds of a duration as Go writes it (`1h30m`), None where it is none."""
    number = r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)"
    if not re.fullmatch(f"(?:{number})+", text):
        return None
    return sum(float(amount) * _UNITS[unit] for amount, unit in re.findall(number, text))


def _values(text: str, field: Field) -> tuple[tuple[int, ...], bool]:
    values: set[int] = set()
    is_open = False
    for part in text.lower().split(","):
        found = _PART.fullmatch(part)
        if found is None or (found["low"] in "*?" and found["high"]):
            raise CronFault(f"has {part!r} as {field.name}; give *, a number, a range such as 1-5, or a step such as */15")
        is_open |= found["low"] in "*?"
        values.update(_range(part, found, field))
    return tuple(sorted(values)), is_open


def _range(part: str, found: re.Match[str], field: Field) -> range:
    low = field.low if found["low"] in "*?" else _number(found["low"], part, field)
    high = low if found["high"] is None else _number(found["high"], part, field)
    if found["low"] in "*?" or (found["step"] and not found["high"]):
        high = field.high
    step = int(found["step"] or 1)
    if low > high:
        raise CronFault(f"has {part!r} as {field.name}, which runs backwards; write {high}-{low}, or two ranges")
    if step < 1 or (step > 1 and step > high - low):
        raise CronFault(
            f"has the step {step} in {part!r} as {field.name}, whose values here go from {low} to {high}, so that it would "
            f"{'be none' if step < 1 else f'mean {low} alone'}; give a step that fits, or use interval_seconds"
        )
    return range(low, high + 1, step)


def _number(text: str, part: str, field: Field) -> int:
    if text in field.names:
        return field.low + field.names.index(text)
    named = f" or {field.names[0]}-{field.names[-1]}" if field.names else ""
    mend = "; Sunday is 0" if field.names is _DAYS and text == "7" else ""
    if not text.isdecimal() or not field.low <= int(text) <= field.high:
        raise CronFault(f"has {part!r} as {field.name}, which goes from {field.low} to {field.high}{named}{mend}")
    return int(text)
