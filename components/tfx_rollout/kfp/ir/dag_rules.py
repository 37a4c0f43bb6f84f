"""Rules on the shape of DAGs: what the compiler behind KFP's API server refuses of loops, conditions and nesting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.reading import inside, text, texts
from tfx_rollout.kfp.ir.tasks import tasks_of


def nested_in_themselves(documents: Documents) -> Iterator[Finding]:
    """A component whose DAG holds itself would never end."""
    parts: dict[str, set[str]] = {}
    for task in tasks_of(documents.pipeline):
        parts.setdefault(task.dag, set()).add(text(inside(task.spec, "componentRef"), "name"))
    for dag in parts:
        reached: set[str] = set()
        ahead = set(parts[dag])
        while ahead:
            reached |= ahead
            ahead = set().union(*(parts.get(name, set()) for name in ahead)) - reached
        if dag in reached:
            yield Finding("cycle", dag, "it is a part of itself", "take that part out")


def only_exit_tasks(documents: Documents) -> Iterator[Finding]:
    """A DAG has at least one task that is no exit handler."""
    exits: dict[str, list[bool]] = {}
    for task in tasks_of(documents.pipeline):
        exits.setdefault(task.dag, []).append(task.handles_exit)
    for dag, found in exits.items():
        if all(found):
            yield Finding("exit-only", dag, "it has exit handlers alone", "give it a task that they can follow")


def conditional_importers(documents: Documents) -> Iterator[Finding]:
    """An importer runs within its own driver, so that nothing can hold it back."""
    for task in tasks_of(documents.pipeline):
        if "importer" in task.executor and text(inside(task.spec, "triggerPolicy"), "condition"):
            yield Finding(
                "conditional-importer",
                task.node,
                "it is an importer with a condition, which open-source KFP does not compile",
                "put the condition on the tasks that use it",
            )


def loops_over_containers(documents: Documents) -> Iterator[Finding]:
    """A loop has a DAG as its body: KFP's compiler makes one, and its driver knows no other."""
    for task in tasks_of(documents.pipeline):
        if "parameterIterator" in task.spec and task.component and "dag" not in task.component:
            yield Finding("loop", task.node, "it is a loop whose body is no DAG", "compile it with dsl.ParallelFor")


def concatenations(documents: Documents) -> Iterator[Finding]:
    """A Concat stays in the command as it is: nothing in open-source KFP's driver or launcher reads it."""
    for task in tasks_of(documents.pipeline):
        words = (*texts(task.container, "command"), *texts(task.container, "args"))
        if any(word.strip().startswith('{"Concat":') for word in words):
            yield Finding(
                "concat",
                task.node,
                "its command has a dsl.ConcatPlaceholder, which open-source KFP hands on as it is",
                "write the text with an f-string",
            )


DAG_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    nested_in_themselves,
    only_exit_tasks,
    conditional_importers,
    loops_over_containers,
    concatenations,
)
