"""`run_pipeline`: a compiled pipeline, from its file to the result of each task."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.ir import Documents
from tfx_rollout.kfp.runner.dag_run import DagRun
from tfx_rollout.kfp.runner.fork_launcher import ForkLauncher
from tfx_rollout.kfp.runner.launch import Launcher, base_environment, default_python
from tfx_rollout.kfp.runner.load import load_pipeline
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.parameters import RunFacts, run_parameters
from tfx_rollout.kfp.runner.publish import Publisher
from tfx_rollout.kfp.runner.result import PipelineResult
from tfx_rollout.kfp.runner.scope import Scope
from tfx_rollout.kfp.runner.subprocess_launcher import SubprocessLauncher
from tfx_rollout.kfp.runner.task_run import Settings

TIMEOUT_SECONDS = 3600.0
LONGEST_PAUSE_SECONDS = 5.0
OWN_FOLDER = ".runner"
"""In the folder of a run: what the runner keeps beside the artifacts."""
MOUNTED_ROOT = "TFX_ROLLOUT_MOUNTED_ROOT"
"""Tells the entrypoint of TFX tasks that the local root stands for a bucket or a volume."""


def run_pipeline(
    ir: Path | str | Documents,
    *,
    pipeline_root: Path | str | None = None,
    parameters: Mapping[str, Any] | None = None,
    mode: Literal["subprocess", "fork"] = "subprocess",
    preload: Sequence[str] = (),
    launcher: Launcher | None = None,
    mounts: Mapping[str, Path | str] | None = None,
    environment: Mapping[str, str] | None = None,
    python: str | None = None,
    timeout_s: float = TIMEOUT_SECONDS,
    longest_pause_s: float = LONGEST_PAUSE_SECONDS,
    tell: Callable[[str], None] = print,
) -> PipelineResult:
    """Runs a compiled pipeline on this machine, one task after another.

    A task that fails is told in the result, and never raises. `InvalidPlan` and its like
    are raised before anything runs, with every fault that was found.

    Args:
      ir: A compiled pipeline: its file, its text, or its documents.
      pipeline_root: A local folder, or a bucket that `mounts` maps; by default the
        pipeline's own. The run's artifacts go to `<root>/<pipeline>/<run id>/`.
      parameters: The pipeline's parameters, in the JSON kinds that it declares.
      mode: `subprocess` starts each task anew; `fork` forks `python -m` tasks off a process
        that has imported `preload` once (see `ForkLauncher`).
      preload: Modules for `fork`.
      launcher: One to use in the place of `mode`, and to keep; it is not closed.
      mounts: Places of the cluster and the existing folders that stand for them:
        `{"/srv/models": folder, "gs://bucket": other_folder}`.
      environment: What the tasks' images would have in their environment. Of this process
        they see little more than HOME, LANG and PATH.
      python: The interpreter in the place of the images' `python`; by default this one.
      timeout_s: Seconds that one attempt of a task may take.
      longest_pause_s: Seconds above which no pause between attempts goes, whatever the
        task's retry policy says.
      tell: Gets a line when a task starts and when it has ended.
    """
    began = time.monotonic()
    _check_mode(mode, preload, launcher)
    locations = Locations(mounts or {})
    pipeline = load_pipeline(ir, locations)
    what = pipeline.documents.name
    given = run_parameters(pipeline.root, parameters or {}, locations, what)
    facts = _facts(pipeline.name)
    root = locations.root(str(pipeline_root or pipeline.documents.pipeline.get("defaultPipelineRoot") or ""))
    folder = Path(root) / pipeline.name / facts.id
    work = folder / OWN_FOLDER
    work.mkdir(parents=True)
    interpreter = python or default_python()
    image = {MOUNTED_ROOT: root, **(environment or {})}
    with _launcher(mode, preload, launcher, image, interpreter, work, tell) as chosen:
        settings = Settings(
            str(folder),
            work,
            chosen,
            interpreter,
            base_environment(image, interpreter),
            locations,
            timeout_s,
            longest_pause_s,
        )
        publisher = Publisher()
        run = DagRun(pipeline, facts, settings, publisher, tell)
        run.run(pipeline.root["dag"], Scope(publisher.execution(), given, {}))
    return PipelineResult(pipeline.name, facts.id, str(folder), run.results, time.monotonic() - began)


def _facts(name: str) -> RunFacts:
    run_id = str(uuid4())
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return RunFacts(run_id, f"{name}-{run_id[:5]}", f"{name} {created}", created)


def _check_mode(mode: str, preload: Sequence[str], launcher: Launcher | None) -> None:
    if mode not in ("subprocess", "fork"):
        raise InvalidInput(f"There is no mode {mode!r}; give 'subprocess' or 'fork'.")
    if preload and (mode != "fork" or launcher is not None):
        raise InvalidInput("Modules to preload are for mode='fork' without a launcher of your own; take preload away.")


def _launcher(
    mode: str,
    preload: Sequence[str],
    launcher: Launcher | None,
    environment: Mapping[str, str],
    python: str,
    work: Path,
    tell: Callable[[str], None],
) -> Any:
    if launcher is not None:
        return nullcontext(launcher)
    if mode == "fork":
        log = work / "preload.log"
        return closing(ForkLauncher(preload, environment=environment, python=python, log=log, tell=tell))
    return closing(SubprocessLauncher())
