"""Schedules: when runs start, runs on this machine without Kubeflow, and what two runs do that meet.

Here only what costs nothing to import; `service` brings the scheduler's library, `document` pydantic.
"""

from tfx_rollout.schedule.cron import Cron, CronFault, Every, parse_cron, times_after
from tfx_rollout.schedule.trigger import Trigger

__all__ = ["Cron", "CronFault", "Every", "Trigger", "parse_cron", "times_after"]
