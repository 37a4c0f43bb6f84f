"""`tfx-rollout rollout`: start, watch and steer the staged change to a new version."""

from __future__ import annotations

import click

from tfx_rollout.cli.lazy import LazyGroup

_START, _ORDERS, _REPORT, _STEPS = (f"tfx_rollout.cli.rollout_{part}" for part in ("start", "orders", "report", "steps"))


@click.group(
    cls=LazyGroup,
    table={
        "start": (f"{_START}:start", "Start a rollout of a version."),
        "watch": (f"{_START}:watch", "Follow a rollout to its end."),
        "list": (f"{_REPORT}:list_", "List all rollouts of a model, newest first."),
        "show": (f"{_REPORT}:show", "Show how a rollout stands, and what may be ordered of it."),
        "report": (f"{_REPORT}:report", "Report on a rollout: outcome, reason, evidence, counts and latencies."),
        "approve": (f"{_ORDERS}:approve", "Let a rollout that awaits an approval go on."),
        "pause": (f"{_ORDERS}:pause", "Halt a rollout: traffic stays as it is and is watched."),
        "resume": (f"{_ORDERS}:resume", "Let a paused rollout go on."),
        "skip": (f"{_ORDERS}:skip", "Go to the next stage at once, without evidence."),
        "promote": (f"{_ORDERS}:promote", "Make the candidate live for everybody, now."),
        "rollback": (f"{_ORDERS}:rollback", "Return to what was before the rollout."),
        "abort": (f"{_ORDERS}:abort", "End a rollout, waiting ones too."),
        "run": (f"{_STEPS}:run", "Roll a version out and await what becomes of it, as a step of a pipeline."),
        "end": (f"{_STEPS}:end", "Abort what somebody began and left unfinished: a failed pipeline's last step."),
    },
    sections={
        "Carry out": ("start", "watch", "list", "show", "report"),
        "Steer": ("approve", "pause", "resume", "skip", "promote", "rollback", "abort"),
        "Steps of a pipeline": ("run", "end"),
    },
)
def rollout() -> None:
    """Start, watch and steer the staged change to a new version.

    Where ID is left out it is the rollout that runs; for `watch`, `show` and `report` the newest one when none runs.
    """
