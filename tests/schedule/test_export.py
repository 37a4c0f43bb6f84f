"""Crontabs and systemd units: they name the same times, run the same command, and refuse what they cannot express."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.schedule import Cron, CronFault, Trigger, parse_cron, times_after
from tfx_rollout.schedule.export import crontab, systemd_units
from tfx_rollout.schedule.export.crontab import five_fields
from tfx_rollout.schedule.export.systemd import calendar
from tfx_rollout.schedule.local import LocalSchedule, Overlap

TAXI = LocalSchedule(
    "taxi", Trigger("0 30 2 * * mon-fri"), ("python", "-m", "taxi.run", "a b", "50%", "$HOME", 'q"'), "/srv/a b", {"A": "x y"}
)
EXPRESSIONS = [
    "0 30 2 * * *",
    "0 0 9 ? * 2-6",
    "0 */15 8-18 * * mon-fri",
    "0 5/25 0 * * *",
    "0 0 0 13 * fri",
    "0 0 0 */10 * fri",
    "0 0 0 1,15 jan,jul *",
    "0 0 0 29 2 *",
    "@weekly",
    "@hourly",
]


def cron_means(five: str, moment: datetime) -> bool:
    """Whether cron runs at a minute, by the rules in crontab(5)."""
    minute, hour, day, month, weekday = five.split()

    def fits(field: str, value: int, low: int) -> bool:
        for piece in field.split(","):
            if piece.startswith("*"):
                if (value - low) % int(piece.partition("/")[2] or 1) == 0:
                    return True
            elif int(piece) == value:
                return True
        return False

    days, weekdays = fits(day, moment.day, 1), fits(weekday, moment.isoweekday() % 7, 0)
    on = days and weekdays if day[0] == "*" or weekday[0] == "*" else days or weekdays
    return fits(minute, moment.minute, 0) and fits(hour, moment.hour, 0) and fits(month, moment.month, 1) and on


def calendar_means(line: str, moment: datetime) -> bool:
    """Whether systemd runs at a second, by the rules in systemd.time(7)."""
    found = re.fullmatch(
        r"(?:(?P<days>[A-Z][\w,]*) )?\*-(?P<month>\S+)-(?P<day>\S+) (?P<h>\S+?):(?P<m>\S+?):(?P<s>\S+) UTC", line
    )
    assert found, line

    def fits(field: str, value: int) -> bool:
        for piece in field.split(","):
            low, _, high = piece.partition("..")
            if piece == "*" or int(low) <= value <= int(high or low):
                return True
        return False

    values = (moment.month, moment.day, moment.hour, moment.minute, moment.second)
    on = found["days"] is None or f"{moment:%a}" in found["days"].split(",")
    return on and all(fits(found[name], value) for name, value in zip(("month", "day", "h", "m", "s"), values, strict=True))


MOMENTS = st.integers(0, 6 * 365 * 1440).map(
    lambda minutes: datetime(2027, 1, 1, tzinfo=timezone.utc) + timedelta(minutes=minutes)
)


@given(st.sampled_from(EXPRESSIONS), MOMENTS)
def test_cron_and_systemd_run_at_the_same_times(text, moment):
    cron = parse_cron(text)
    assert isinstance(cron, Cron)
    for time in (moment, *islice(times_after(cron, moment), 2)):
        runs = cron.next_after(time - timedelta(seconds=1)) == time
        assert cron_means(five_fields(text), time) is runs
        assert any(calendar_means(line, time) for line in calendar(cron)) is runs


def test_systemd_has_seconds_and_cron_refuses_them():
    (line,) = calendar(parse_cron("*/20 0-4,7 2 * * *"))
    assert line == "*-*-* 02:00..04,07:00,20,40 UTC"
    with pytest.raises(CronFault, match="names other seconds than 0, which cron cannot express"):
        five_fields("30 0 2 * * *")


@pytest.mark.parametrize("text", [*EXPRESSIONS, "*/20 0-4,7 2 * * *", "10-20 * * 2-4 * sun"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_itself_names_the_same_next_times(text):
    cron = parse_cron(text)
    base = datetime(2027, 1, 1, tzinfo=timezone.utc)
    said: set[str] = set()
    for line in calendar(cron):
        command = ["systemd-analyze", "calendar", "--iterations=5", f"--base-time={base:%Y-%m-%d %H:%M:%S} UTC", line]
        done = subprocess.run(command, capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C"}, check=False)
        assert done.returncode == 0, done.stderr
        said.update(re.findall(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", done.stdout))
    wanted = [f"{time:%Y-%m-%d %H:%M:%S}" for time in islice(times_after(cron, base), 3)]
    assert sorted(time for time in said if time > f"{base:%Y-%m-%d %H:%M:%S}")[:3] == wanted


def test_a_line_of_the_crontab_locks_limits_and_quotes():
    text = crontab([replace(TAXI, overlap=Overlap("/srv/models", "taxi", "wait", 60)), replace(TAXI, name="off", enabled=False)])
    lines = text.splitlines()
    assert "CRON_TZ=UTC" in lines
    (line,) = (line for line in lines if line.startswith("30 2 * * 1,2,3,4,5 "))
    command = line.split(" ", 5)[5]
    assert re.search(r"(?<!\\)%", command) is None
    words = shlex.split(command.replace(r"\%", "%"))
    assert words[:3] == ["cd", "/srv/a b", "&&"]
    assert words[3:8] == ["A=x y", "flock", "-n", "/var/lock/tfx-rollout-taxi.lock", "timeout"]
    gate = words[words.index("tfx-rollout") :]
    assert gate[:11] == [
        *("tfx-rollout", "schedule", "gate", "--root", "/srv/models", "--model", "taxi"),
        *("--on-overlap", "wait", "--wait-seconds", "60"),
    ]
    assert gate[12:] == list(TAXI.command)
    assert any(line.startswith("#30 2 * * 1,2,3,4,5 cd ") for line in lines)


def test_a_crontab_line_runs_as_the_schedule_would(tmp_path):
    script = "import os, sys; open('out', 'w').write(repr((os.environ['A'], sys.argv[1:])))"
    arguments = ("50%", "$HOME", 'q"', "it's")
    schedule = replace(TAXI, command=("python3", "-c", script, *arguments), cwd=str(tmp_path), env={"A": "x 'y' %"})
    line = crontab([schedule], lock_folder=str(tmp_path)).splitlines()[-1]
    subprocess.run(["/bin/sh", "-c", line.split(" ", 5)[5].replace(r"\%", "%")], check=True)
    assert (tmp_path / "out").read_text() == repr(("x 'y' %", list(arguments)))


def test_systemd_units_are_a_service_and_a_timer():
    units = systemd_units([TAXI, replace(TAXI, name="often", trigger=Trigger(interval_seconds=90), enabled=False)])
    assert sorted(units) == [
        *("tfx-rollout-often.service", "tfx-rollout-often.timer", "tfx-rollout-taxi.service", "tfx-rollout-taxi.timer"),
    ]
    service = units["tfx-rollout-taxi.service"]
    assert 'ExecStart="python" "-m" "taxi.run" "a b" "50%%" "$$HOME" "q\\""' in service
    assert 'Environment="A=x y"' in service
    assert "WorkingDirectory=/srv/a b" in service
    assert "Type=oneshot\n" in service
    assert "TimeoutStartSec=86400\n" in service
    timer = units["tfx-rollout-taxi.timer"]
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 02:30:00 UTC\n" in timer
    assert "Persistent=false\n" in timer
    assert "[Install]" in timer
    assert "OnActiveSec=90\nOnUnitActiveSec=90\n" in units["tfx-rollout-often.timer"]
    assert "[Install]" not in units["tfx-rollout-often.timer"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_itself_takes_the_units(tmp_path):
    schedule = replace(TAXI, command=("/bin/echo", *TAXI.command[3:]), cwd="/tmp", env={"A": "100% $x"})
    for name, text in systemd_units([schedule]).items():
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name) for name in systemd_units([schedule])]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "tfx-rollout" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "cron_says", "systemd_says"),
    [
        ({"trigger": Trigger(interval_seconds=90)}, "taxi has an interval, which cron cannot express", None),
        ({"trigger": Trigger("@every 90s")}, "taxi.cron '@every 90s' is an interval, which cron cannot express", None),
        ({"trigger": Trigger("5 0 2 * * *")}, "taxi.cron '5 0 2 * * *' names other seconds than 0", None),
        (
            {"trigger": Trigger("0 0 0 1,*/7 * fri")},
            "has '1,*/7' as day of the month, which cron would take in another sense",
            None,
        ),
        (
            {"trigger": Trigger("0 0 2 * * *", end=datetime(2037, 1, 1, tzinfo=timezone.utc))},
            "taxi.end is 2037-01-01T00:00:00+00:00, which cron cannot express",
            "taxi.end is 2037-01-01T00:00:00+00:00, which systemd cannot express",
        ),
        (
            {"command": ("echo", "a\nb")},
            "taxi has a line break in its command, cwd or env, which cron",
            "which systemd cannot carry",
        ),
    ],
)
def test_what_cannot_be_expressed_is_refused(change, cron_says, systemd_says):
    schedule = replace(TAXI, **change)
    with pytest.raises(InvalidPlan) as fault:
        crontab([schedule])
    assert cron_says in str(fault.value)
    if systemd_says is None:
        assert systemd_units([schedule])
    else:
        with pytest.raises(InvalidPlan) as fault:
            systemd_units([schedule])
        assert systemd_says in str(fault.value)
