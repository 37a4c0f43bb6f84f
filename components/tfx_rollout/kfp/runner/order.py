"""In which order the tasks of a DAG run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

EXIT_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"
"""The trigger of an exit handler: it runs however the tasks before it ended."""


def is_exit_task(task: Mapping[str, Any]) -> bool:
    """Whether a task of the IR runs also after a failure."""
    return bool(task.get("triggerPolicy", {}).get("strategy") == EXIT_STRATEGY)


def upstream(task: Mapping[str, Any]) -> tuple[str, ...]:
    """The tasks that a task waits for: those it names, and those whose outputs it takes. Each once, sorted."""
    names = set(task.get("dependentTasks", ()))
    for kind, source in (("parameters", "taskOutputParameter"), ("artifacts", "taskOutputArtifact")):
        for given in task.get("inputs", {}).get(kind, {}).values():
            if source in given:
                names.add(given[source]["producerTask"])
    return tuple(sorted(names))


def in_order(tasks: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """The names so that each comes after those it waits for, exit handlers as soon as they can.

    Among those that could come next the first in the alphabet does. Circles were refused
    when the pipeline was loaded; what is in one does not come at all.
    """
    waiting = {name: set(upstream(task)) for name, task in tasks.items()}
    while free := [name for name, before in waiting.items() if not before]:
        # An exit handler goes first, as its hook does on a cluster: nothing waits for it.
        name = min(free, key=lambda name: (not is_exit_task(tasks[name]), name))
        del waiting[name]
        for before in waiting.values():
            before.discard(name)
        yield name
