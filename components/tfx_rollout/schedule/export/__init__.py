"""Schedules written out for what a machine has already: cron and systemd. Pure."""

from tfx_rollout.schedule.export.crontab import crontab
from tfx_rollout.schedule.export.systemd import systemd_units

__all__ = ["crontab", "systemd_units"]
