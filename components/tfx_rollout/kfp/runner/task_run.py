"""One task with a container: its outputs provisioned, its command run and tried again, its outputs collected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.collect import executor_output, output_artifacts, output_parameters
from tfx_rollout.kfp.runner.launch import Launch, Launcher, local_command
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.parameters import defaults_of
from tfx_rollout.kfp.runner.placeholders import fill
from tfx_rollout.kfp.runner.provision import forget, make_parents, provision
from tfx_rollout.kfp.runner.publish import Publisher
from tfx_rollout.kfp.runner.retry import RetryPolicy
from tfx_rollout.kfp.runner.scope import Outputs

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Settings:
    """How every container of a run is run."""

    root: str
    """The local folder of this run's artifacts."""
    work: Path
    """The runner's own files of this run: logs, working directories, output parameters."""
    launcher: Launcher
    python: str
    environment: Mapping[str, str]
    locations: Locations
    timeout_s: float
    longest_pause_s: float


@dataclass
class Attempted:
    """What is known of a task's attempts, however they end."""

    executor_input: dict[str, Any]
    log: Path | None = None
    attempts: int = 0


def run_container(
    path: str, task: Json, component: Json, container: Json, attempted: Attempted, settings: Settings, publisher: Publisher
) -> Outputs:
    """Runs the container, as often as the task's policy says; its published outputs. Raises TaskFault.

    `attempted.executor_input` has the inputs, and gets the outputs; all attempts share them.
    """
    own = settings.work / path
    own.mkdir(parents=True, exist_ok=True)
    definitions = component.get("outputDefinitions", {})
    task_root = f"{settings.root}/{path.rsplit('/', 1)[-1]}/{uuid4()}"
    outputs = provision(task_root, definitions, own / "outputs")
    attempted.executor_input["outputs"] = outputs
    launch = _launch(component, container, attempted, settings, own)
    pauses = RetryPolicy.of(task).pauses(settings.longest_pause_s)
    while True:
        make_parents(outputs)
        attempted.attempts += 1
        try:
            return _attempt(launch, outputs, definitions, settings, publisher)
        except TaskFault:
            pause = next(pauses, None)
            if pause is None:
                raise
        forget(outputs)
        time.sleep(pause)


def _attempt(launch: Launch, outputs: Json, definitions: Json, settings: Settings, publisher: Publisher) -> Outputs:
    """One attempt. An output that is missing or wrong fails it as an exit code does: the launcher's pod fails for both."""
    ended = settings.launcher.launch(launch)
    if ended.fault:
        raise TaskFault(ended.fault)
    output = executor_output(Path(outputs["outputFile"]))
    parameters = output_parameters(outputs, output, definitions)
    return publisher.publish(parameters, output_artifacts(outputs, output))


def _launch(component: Json, container: Json, attempted: Attempted, settings: Settings, own: Path) -> Launch:
    words = [*container.get("command", ()), *container.get("args", ())]
    if not words:
        raise TaskFault("its container has no command; an image's own entrypoint cannot be run here")
    words = fill(
        [settings.locations.text(str(word)) for word in words],
        attempted.executor_input,
        defaults_of(component, settings.locations),
    )
    given = {entry["name"]: settings.locations.text(str(entry.get("value", ""))) for entry in container.get("env", ())}
    folder = own / "folder"
    folder.mkdir(exist_ok=True)
    attempted.log = own / "log.txt"
    attempted.log.touch()
    return Launch(
        local_command(words, settings.python),
        {**settings.environment, **given},
        folder,
        attempted.log,
        settings.timeout_s,
    )
