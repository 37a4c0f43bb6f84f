"""Schedules as systemd units: a service that runs once, and a timer that starts it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_rollout.schedule.cron import FIELDS, Cron, Field
from tfx_rollout.schedule.export.command_line import gated, refuse, refuse_what_none_can
from tfx_rollout.schedule.local import LocalSchedule

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


def systemd_units(schedules: Sequence[LocalSchedule], *, program: str = "tfx-rollout") -> dict[str, str]:
    """The units by their file names. `InvalidPlan` names every schedule that systemd cannot express, and why.

    A service that runs is not started a second time, so no lock is needed. What was missed while
    the machine was off is not made up for (`Persistent=false`).
    """
    refuse("systemd", [fault for schedule in schedules for fault in refuse_what_none_can(schedule, "systemd")])
    units = {}
    for schedule in schedules:
        units[f"{unit_name(schedule)}.service"] = _service(schedule, program)
        units[f"{unit_name(schedule)}.timer"] = _timer(schedule)
    return units


def unit_name(schedule: LocalSchedule) -> str:
    """The name of a schedule's units, without their ending."""
    return f"tfx-rollout-{schedule.name}"


def calendar(cron: Cron) -> list[str]:
    """The `OnCalendar` expressions that together name the same times; UTC is in them."""
    months = _range(cron.months, FIELDS[4], "02d")
    days = _range(cron.days, FIELDS[3], "02d")
    weekdays = "" if len(cron.weekdays) == len(_DAYS) else _weekdays(cron.weekdays) + " "
    time = ":".join(
        _range(values, field, "02d")
        for values, field in ((cron.hours, FIELDS[2]), (cron.minutes, FIELDS[1]), (cron.seconds, FIELDS[0]))
    )
    if cron.any_day or cron.any_weekday:
        return [f"{weekdays}*-{months}-{days} {time} UTC"]
    # Where both days are given either suffices, for cron; systemd wants both, unless they are lines of their own.
    return [f"*-{months}-{days} {time} UTC", f"{weekdays}*-{months}-* {time} UTC"]


def _service(schedule: LocalSchedule, program: str) -> str:
    command = " ".join(map(_quoted, gated(schedule, program)))
    environment = "".join(f"Environment={_quoted(f'{name}={value}', dollar=False)}\n" for name, value in schedule.env.items())
    return f"""\
[Unit]
Description=Scheduled run {_specifiers(schedule.name)}

[Service]
Type=oneshot
WorkingDirectory={_specifiers(schedule.cwd)}
{environment}ExecStart={command}
TimeoutStartSec={schedule.timeout_seconds:g}
"""


def _timer(schedule: LocalSchedule) -> str:
    times = schedule.trigger.times
    if isinstance(times, Cron):
        when = "".join(f"OnCalendar={line}\n" for line in calendar(times))
    else:
        when = f"OnActiveSec={times.seconds}\nOnUnitActiveSec={times.seconds}\n"
    install = "\n[Install]\nWantedBy=timers.target\n" if schedule.enabled else ""
    return f"""\
[Unit]
Description=Times of {_specifiers(schedule.name)} ({_specifiers(str(schedule.trigger))})

[Timer]
{when}AccuracySec=1s
Persistent=false
{install}"""


def _range(values: tuple[int, ...], field: Field, form: str) -> str:
    """Values as systemd lists them, neighbours together: `00..04,07`."""
    if len(values) == field.high - field.low + 1:
        return "*"
    return ",".join(f"{low:{form}}" if low == high else f"{low:{form}}..{high:{form}}" for low, high in _runs(values))


def _weekdays(values: tuple[int, ...]) -> str:
    return ",".join(_DAYS[value] for value in values)


def _runs(values: tuple[int, ...]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] == value - 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    return runs


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str, *, dollar: bool = True) -> str:
    """A word of a command line as systemd reads it: no specifiers, no variables, no escapes."""
    text = _specifiers(text).replace("\\", "\\\\").replace('"', '\\"')
    if dollar:
        text = text.replace("$", "$$")
    return f'"{text}"'
