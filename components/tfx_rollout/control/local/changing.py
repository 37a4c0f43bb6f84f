"""A change of the desired state: decided from what is there, then compared and set, or only told."""

from __future__ import annotations

import time
from collections.abc import Callable

from tfx_rollout.control.documents import Change, Configuration
from tfx_rollout.control.local import changes
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.part import Part
from tfx_rollout.control.local.way import differences, planned_steps
from tfx_rollout.errors import RolloutInProgress, StaleGeneration
from tfx_rollout.rollout.one_at_a_time import refuse_beside_experiment
from tfx_rollout.traffic import Cause, DesiredState, ObservedState, same_traffic

Decide = Callable[[ModelFiles, DesiredState], DesiredState]
"""The wanted state from the one that is there. Raises what refuses the change."""


class Changing(Part):
    """What all changes of a desired state have in common."""

    def _observed(self, files: ModelFiles) -> ObservedState | None:
        """What is in force; None while nothing serves."""
        return files.observed() if self._served else None

    @property
    def _served(self) -> bool:
        """Whether a supervisor serves the root now."""
        return self._root.presence.supervisor() is not None

    def _configuration(self, files: ModelFiles, desired: DesiredState, observed: ObservedState | None) -> Configuration:
        return Configuration(
            model=files.base.name,
            generation=desired.generation,
            desired=desired.to_json(),
            observed=None if observed is None else observed.to_json(),
            differences=differences(desired, observed, served=self._served),
        )

    def _change(self, model: str, action: str, decide: Decide, *, why: str, expected: int | None, dry_run: bool) -> Change:
        """Makes a change, unless it was so already; nobody else writes between its reading and its writing.

        Beside a rollout or an A/B test only what is held may change: moved traffic would end it as overruled, and is refused.
        """
        if dry_run:
            files = self._root.files(model)
            before = files.desired()
            wanted = self._decided(files, before, decide, expected)
            return self._told(files, before, wanted.change(generation=before.generation + 1), dry_run=True)
        with self._recorded(action, model, why=why, expected=expected) as say:
            files = self._root.files(model)
            with files.base.lock():
                before = files.base.desired()
                wanted = self._decided(files, before, decide, expected)
                if changes.differ(before, wanted):
                    cause = Cause(self.by, why, time.time())
                    wanted = files.base.write_desired(wanted.change(cause=cause), expected=before.generation)
                    say(f"generation {wanted.generation}")
                else:
                    say("it was so already")
        # What is told is not what is recorded: it was done, though it cannot be told.
        return self._told(files, before, wanted, dry_run=False)

    def _decided(self, files: ModelFiles, before: DesiredState, decide: Decide, expected: int | None) -> DesiredState:
        if expected is not None and expected != before.generation:
            raise StaleGeneration(files.base.name, expected, before.generation)
        wanted = decide(files, before)
        if not same_traffic(before, wanted):
            refuse_beside_running(files)
        return wanted

    def _told(self, files: ModelFiles, before: DesiredState, wanted: DesiredState, *, dry_run: bool) -> Change:
        observed = self._observed(files)
        changed = changes.differ(before, wanted)
        desired = wanted if changed else before
        return Change(
            dry_run=dry_run,
            changed=changed,
            configuration=self._configuration(files, desired, observed),
            steps=planned_steps(desired, observed),
        )


def refuse_beside_running(files: ModelFiles) -> None:
    """Raises `RolloutInProgress` or `ExperimentInProgress` while one of these runs, whose traffic nobody else may move."""
    running = files.running_rollout()
    if running is not None:
        raise RolloutInProgress(files.base.name, running.id, running.version)
    refuse_beside_experiment(files.base)
