"""Recurring runs of Kubeflow Pipelines, declared as configuration and applied through `kfp.Client`.

    document   the file that declares them                 (pydantic)
    wanted     what a file declares, and its form for the server (values)
    found      what the server has, and how it differs     (values)
    steps      from what is there to what is wanted        (pure)
    pipeline_check  what a pipeline's compiled form says against a schedule (pure)
    server     the server, through `kfp.Client`            (I/O)
    connection making that client                          (I/O)
    applying   all of it, for a whole file

Importing this loads neither kfp nor pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfx_rollout.kfp.schedule.applying import Applied, Change, apply, plan
    from tfx_rollout.kfp.schedule.connection import connect
    from tfx_rollout.kfp.schedule.document import json_schema, load_schedules, schedules_from_dict
    from tfx_rollout.kfp.schedule.server import RecurringRuns

_HOMES = {
    "Applied": "applying",
    "Change": "applying",
    "RecurringRuns": "server",
    "apply": "applying",
    "connect": "connection",
    "json_schema": "document",
    "load_schedules": "document",
    "plan": "applying",
    "schedules_from_dict": "document",
}

__all__ = [
    "Applied",
    "Change",
    "RecurringRuns",
    "apply",
    "connect",
    "json_schema",
    "load_schedules",
    "plan",
    "schedules_from_dict",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
