"""The command of a schedule as another scheduler runs it: behind the gate, where the schedule keeps clear of rollouts."""

from __future__ import annotations

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.schedule.local import LocalSchedule
from tfx_rollout.schedule.trigger import written


def gated(schedule: LocalSchedule, program: str) -> list[str]:
    """Program and arguments; `program` is the `tfx-rollout` of that machine."""
    overlap = schedule.overlap
    if overlap is None:
        return list(schedule.command)
    return [
        program, "schedule", "gate", "--root", overlap.root, "--model", overlap.model,
        "--on-overlap", overlap.on_overlap, "--wait-seconds", f"{overlap.wait_seconds:g}", "--", *schedule.command,
    ]  # fmt: skip


def refuse_what_none_can(schedule: LocalSchedule, format: str) -> list[str]:
    """Faults of a schedule that neither cron nor systemd can express."""
    trigger = schedule.trigger
    faults = []
    for name, time in (("start", trigger.start), ("end", trigger.end)):
        if time is not None:
            faults.append(
                f"{schedule.name}.{name} is {written(time)}, which {format} cannot express; remove it, or use `schedule local`"
            )
    texts = [*schedule.command, schedule.cwd, *schedule.env.values()]
    if any(character in text for text in texts for character in "\n\r"):
        faults.append(
            f"{schedule.name} has a line break in its command, cwd or env, which {format} cannot carry; put it into a script"
        )
    return faults


def refuse(format: str, faults: list[str]) -> None:
    """Raises `InvalidPlan` where there are faults."""
    if faults:
        raise InvalidPlan(f"What is to be written for {format}", faults)
