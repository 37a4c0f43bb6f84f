"""Schedules as lines of a crontab: five fields, a lock and a time limit each. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from tfx_rollout.schedule.cron import FIELDS, Cron, CronFault, Field, expression, parse_cron
from tfx_rollout.schedule.export.command_line import gated, refuse, refuse_what_none_can
from tfx_rollout.schedule.local import LocalSchedule

_HEAD = """\
# The times are UTC. CRON_TZ says so to cronie; where cron does not know it (Debian's does not), the machine must be on UTC.
CRON_TZ=UTC
SHELL=/bin/sh
"""


def crontab(schedules: Sequence[LocalSchedule], *, program: str = "tfx-rollout", lock_folder: str = "/var/lock") -> str:
    """A user's crontab. `InvalidPlan` names every schedule that cron cannot express, and why.

    A run is left out while the one before goes on (flock), and ended when it takes too long (timeout).
    """
    faults: list[str] = []
    lines = []
    for schedule in schedules:
        unable = refuse_what_none_can(schedule, "cron")
        times = schedule.trigger.cron
        try:
            fields = five_fields(times) if times is not None else None
        except CronFault as fault:
            unable.append(f"{schedule.name}.cron {times!r} {fault}")
        else:
            if fields is None:
                unable.append(
                    f"{schedule.name} has an interval, which cron cannot express; give it a cron expression, or use systemd"
                )
            off = "" if schedule.enabled else "#"
            lines.append(f"# {schedule.name}\n{off}{fields} {_command(schedule, program, lock_folder)}\n")
        faults += unable
    refuse("cron", faults)
    return _HEAD + "".join(lines)


def five_fields(text: str) -> str:
    """An expression of six fields as cron's five, which mean the same. Raises `CronFault` for what cron cannot express."""
    cron = parse_cron(text)
    if not isinstance(cron, Cron):
        raise CronFault("is an interval, which cron cannot express; give it six fields, or use systemd")
    if cron.seconds != (0,):
        raise CronFault("names other seconds than 0, which cron cannot express; give it second 0, or use systemd")
    parts = expression(text).split()[1:]
    open_fields = (False, False, cron.any_day, False, cron.any_weekday)
    values = (cron.minutes, cron.hours, cron.days, cron.months, cron.weekdays)
    return " ".join(map(_field, parts, values, open_fields, FIELDS[1:]))


def _field(part: str, values: tuple[int, ...], is_open: bool, field: Field) -> str:
    """One field in numbers; an open day keeps its star, by which cron too tells that both days must be true."""
    if len(values) == field.high - field.low + 1:
        return "*"
    if not is_open:
        return ",".join(map(str, values))
    if not re.fullmatch(r"[*?](/\d+)?", part):
        raise CronFault(f"has {part!r} as {field.name}, which cron would take in another sense; write the days out")
    return part.replace("?", "*")


def _command(schedule: LocalSchedule, program: str, lock_folder: str) -> str:
    run = shlex.join(
        [
            "flock",
            "-n",
            f"{lock_folder}/tfx-rollout-{schedule.name}.lock",
            "timeout",
            f"{schedule.timeout_seconds:g}",
            *gated(schedule, program),
        ]
    )
    env = "".join(f"{name}={shlex.quote(value)} " for name, value in schedule.env.items())
    # A percent sign would end the command: cron gives what follows to its standard input.
    return f"cd {shlex.quote(schedule.cwd)} && {env}{run}".replace("%", r"\%")
