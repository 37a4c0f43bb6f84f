"""`tfx-rollout schedule`: retraining at set times, on Kubeflow Pipelines or without it."""

from __future__ import annotations

import click

from tfx_rollout.cli.lazy import LazyGroup

_KUBEFLOW, _LOCAL, _GATE = (f"tfx_rollout.cli.schedule_{part}" for part in ("kubeflow", "local", "gate"))


@click.group(
    cls=LazyGroup,
    table={
        "check": (f"{_KUBEFLOW}:check", "Check a file of recurring runs, and say when they would start; needs no server."),
        "schema": (f"{_KUBEFLOW}:schema", "Print the JSON Schema of the file."),
        "plan": (f"{_KUBEFLOW}:plan", "Say what `apply` would do and why; changes nothing."),
        "apply": (f"{_KUBEFLOW}:apply_", "Make the recurring runs on the server what a file declares."),
        "list": (f"{_KUBEFLOW}:list_", "List the recurring runs of the server."),
        "enable": (f"{_KUBEFLOW}:enable", "Let a recurring run start runs again."),
        "disable": (f"{_KUBEFLOW}:disable", "Let a recurring run start no more runs."),
        "delete": (f"{_KUBEFLOW}:delete", "Remove a recurring run for good."),
        "local": (f"{_LOCAL}:local", "Schedules that run here, without Kubeflow."),
        "export": (f"{_LOCAL}:export", "Write the schedules of a file for cron or systemd; installs nothing."),
        "gate": (f"{_GATE}:gate", "Run a retraining when no rollout and no other retraining is on its way."),
    },
)
def schedule() -> None:
    """Retraining at set times.

    On Kubeflow Pipelines: `check`, `plan`, `apply`, `list`, `enable`, `disable`, `delete`. Without it:
    `local` runs a scheduler here, `export` writes the same for cron or systemd. `gate` keeps a
    retraining from overlapping a rollout or another retraining.
    """
