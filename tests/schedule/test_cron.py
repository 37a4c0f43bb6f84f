"""Six-field expressions: what they mean, held against an interpreter that tries every second, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.schedule import Cron, CronFault, Every, parse_cron, times_after

NEW_YEAR = datetime(2027, 1, 1, tzinfo=timezone.utc)  # a Friday


def first(text: str, count: int = 3, after: datetime = NEW_YEAR) -> list[str]:
    return [f"{time:%m-%d %H:%M:%S}" for time in islice(times_after(parse_cron(text), after), count)]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0 30 2 * * *", ["01-01 02:30:00", "01-02 02:30:00", "01-03 02:30:00"]),
        ("0 0 9 ? * 2-6", ["01-01 09:00:00", "01-02 09:00:00", "01-05 09:00:00"]),
        ("0 0 9 * * MON,wed", ["01-04 09:00:00", "01-06 09:00:00", "01-11 09:00:00"]),
        ("*/20 59 23 31 jan *", ["01-31 23:59:00", "01-31 23:59:20", "01-31 23:59:40"]),
        ("0 5/25 0 * * *", ["01-01 00:05:00", "01-01 00:30:00", "01-01 00:55:00"]),
        ("0 0 0-12/6 2 * *", ["01-02 00:00:00", "01-02 06:00:00", "01-02 12:00:00"]),
        ("0 0 0 13 * fri", ["01-08 00:00:00", "01-13 00:00:00", "01-15 00:00:00"]),
        ("0 0 0 */10 * fri", ["05-21 00:00:00", "06-11 00:00:00", "10-01 00:00:00"]),
        ("@weekly", ["01-03 00:00:00", "01-10 00:00:00", "01-17 00:00:00"]),
        ("@hourly", ["01-01 01:00:00", "01-01 02:00:00", "01-01 03:00:00"]),
        ("@every 1h30m", ["01-01 01:30:00", "01-01 03:00:00", "01-01 04:30:00"]),
        (" 0  0 0 29 2 * ", ["02-29 00:00:00"] * 3),
    ],
)
def test_an_expression_names_these_times(text, times):
    assert first(text) == times


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 * * * *", "so that each would shift by one (it would run each minute); write '0 0 * * * *'"),
        ("* * * * *", "(it would run each second); write '0 * * * * *'"),
        ("30 2 * * *", "(it would run each hour); write '0 30 2 * * *'"),
        ("0 3 * * 1", "(it would run each hour, in month 1 alone); write '0 0 3 * * 1'"),
        ("0 0 3 * 61", "write '0 0 0 3 * 61'"),
        ("0 0", "has 2 fields; give six"),
        ("", "has 0 fields; give six"),
        ("hello", "has 1 field; give six"),
        ("0 0 0 * * * *", "has 7 fields; give six"),
        ("0 0 0 30 2 *", "never comes true"),
        ("0 0 0 31 4,6 *", "never comes true"),
        ("60 * * * * *", "has '60' as second, which goes from 0 to 59"),
        ("0 0 24 * * *", "has '24' as hour, which goes from 0 to 23"),
        ("0 0 0 0 * *", "has '0' as day of the month, which goes from 1 to 31"),
        ("0 0 0 * 13 *", "has '13' as month, which goes from 1 to 12 or jan-dec"),
        ("0 0 0 * * 7", "which goes from 0 to 6 or sun-sat; Sunday is 0"),
        ("0 0 0 * * frog", "has 'frog' as day of the week"),
        ("0 50-10 * * * *", "runs backwards; write 10-50, or two ranges"),
        ("0 */90 * * * *", "so that it would mean 0 alone; give a step that fits, or use interval_seconds"),
        ("0 */0 * * * *", "it would be none"),
        ("0 1,,2 * * * *", "has '' as minute"),
        ("0 *-5 * * * *", "has '*-5' as minute"),
        ("0 -1 * * * *", "has '-1' as minute"),
        ("0 0 0 L * *", "has 'l' as day of the month"),
        ("TZ=Europe/Berlin 0 30 2 * * *", "names a time zone; schedules are in UTC"),
        ("CRON_TZ=UTC 0 30 2 * * *", "names a time zone"),
        ("@reboot", "is unknown; use one of @yearly"),
        ("@every", "is unknown"),
        ("@every soon", "has no duration"),
        ("@every 10ms", "is shorter than a second"),
    ],
)
def test_what_is_no_expression_is_refused_with_the_mend(text, said):
    with pytest.raises(CronFault) as fault:
        parse_cron(text)
    assert said in str(fault.value)


def field(low: int, high: int):
    number = st.integers(low, high)
    ranged = st.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
    stepped = st.integers(1, (high - low)).map(lambda step: f"*/{step}")
    return st.one_of(
        st.just("*"), st.just("?"), st.lists(st.one_of(number.map(str), ranged), min_size=1, max_size=3).map(",".join), stepped
    )


EXPRESSIONS = st.tuples(field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)).map(" ".join)


def means(text: str, moment: datetime) -> bool:
    """Whether a moment is one of an expression's times, read straight from the text."""
    parts = text.split()
    values = (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)
    lows = (0, 0, 0, 1, 1, 0)

    def in_part(part: str, value: int, low: int) -> bool:
        for piece in part.split(","):
            base, _, step = piece.partition("/")
            if base in ("*", "?"):
                if (value - low) % int(step or 1) == 0:
                    return True
            elif "-" in base:
                start, end = map(int, base.split("-"))
                if start <= value <= end:
                    return True
            elif value == int(base):
                return True
        return False

    fits = [in_part(part, value, low) for part, value, low in zip(parts, values, lows, strict=True)]
    both = parts[3][0] in "*?" or parts[5][0] in "*?"
    days = fits[3] and fits[5] if both else fits[3] or fits[5]
    return all(fits[:3]) and fits[4] and days


@given(EXPRESSIONS, st.integers(0, 4 * 365 * 86_400))
def test_the_next_time_is_one_and_none_lies_between(text, offset):
    moment = NEW_YEAR + timedelta(seconds=offset)
    try:
        cron = parse_cron(text)
    except CronFault as fault:
        assert "never comes true" in str(fault)  # noqa: PT017
        return
    assert isinstance(cron, Cron)
    found = cron.next_after(moment)
    assert found is not None
    assert found > moment
    assert means(text, found)
    between = min(int((found - moment).total_seconds()), 400)
    assert not any(means(text, moment + timedelta(seconds=n)) for n in range(1, between))
    assert not any(means(text, found - timedelta(seconds=n)) for n in range(1, between))


def test_a_time_within_a_second_counts_from_the_full_second():
    assert parse_cron("* * * * * *").next_after(NEW_YEAR + timedelta(microseconds=1)) == NEW_YEAR + timedelta(seconds=1)


def test_another_zone_is_read_as_the_same_moment():
    berlin = timezone(timedelta(hours=1))
    assert parse_cron("0 30 2 * * *").next_after(datetime(2027, 1, 1, 3, tzinfo=berlin)) == NEW_YEAR + timedelta(
        hours=2, minutes=30
    )


def test_an_interval_is_in_whole_seconds():
    assert parse_cron("@every 1m1.5s") == Every(61)
