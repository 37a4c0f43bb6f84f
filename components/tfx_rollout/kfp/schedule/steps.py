"""From the recurring runs of one name that are there to the one that is wanted: the steps. Pure.

Kubeflow Pipelines cannot change a recurring run, so a change is a new one in the place of the old:

    create the new one, disabled → read it back → disable the old → enable the new → delete the old

At no moment are two enabled, and at no moment is there none. Whoever is killed between two steps
leaves a state from which the same function gives the rest: a new one that is there already is
taken up, whatever else has the name is put away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from tfx_rollout.kfp.schedule.found import Difference, Found, differences
from tfx_rollout.kfp.schedule.wanted import Form


class Action(str, Enum):
    """What a step does."""

    CREATE = "create"
    """Makes the new one, disabled, and checks that the server has it as it was meant."""
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One call to the server. `target` is the id of a recurring run; None for the one that `create` makes."""

    action: Action
    target: str | None = None
    why: str = ""


@dataclass(frozen=True)
class Steps:
    """All steps of one schedule, and why."""

    steps: tuple[Step, ...]
    kept: Found | None
    """The one that stays; None where a new one is made."""
    differences: tuple[Difference, ...] = ()
    """Of the present one, where it is replaced."""

    @property
    def kind(self) -> str:
        """In a word: unchanged, create, replace, enable, disable or clean."""
        actions = [step.action for step in self.steps]
        if not actions:
            return "unchanged"
        if Action.CREATE in actions:
            return "replace" if Action.DELETE in actions else "create"
        if Action.DELETE in actions:
            return "clean"
        return actions[0].value


def steps_to(wanted: Form, enabled: bool, there: Sequence[Found], *, recreate: bool = False) -> Steps:
    """The steps from what has the name now to the wanted one. `recreate` makes a new one even where one is right."""
    right = [] if recreate else [found for found in there if not differences(wanted, found)]
    kept = min(right, key=lambda found: (not found.enabled, found.id), default=None)
    others = [found for found in there if found is not kept]
    steps: list[Step] = []
    if kept is None:
        steps.append(Step(Action.CREATE, None, "it is not there" if not there else "none that is there is as declared"))
    steps += [Step(Action.DISABLE, found.id, "another takes its place") for found in others if found.enabled]
    is_on = kept is not None and kept.enabled
    if enabled and not is_on:
        steps.append(Step(Action.ENABLE, kept.id if kept else None, "declared as enabled"))
    if not enabled and is_on and kept is not None:
        steps.append(Step(Action.DISABLE, kept.id, "declared as disabled"))
    steps += [Step(Action.DELETE, found.id, "another has taken its place") for found in others]
    return Steps(tuple(steps), kept, _reasons(wanted, kept, others))


def _reasons(wanted: Form, kept: Found | None, others: Sequence[Found]) -> tuple[Difference, ...]:
    if kept is not None or not others:
        return ()
    present = min(others, key=lambda found: (not found.enabled, found.id))
    return differences(wanted, present)
