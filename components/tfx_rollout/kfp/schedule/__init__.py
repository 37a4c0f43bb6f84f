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

from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """The public names, imported when they are asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
