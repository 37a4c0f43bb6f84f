"""How long a compiled pipeline takes on one machine, from its file to a version that is live.

make bench NAME=kfp-runner
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import Figure, finish

from taxi.spans import write_spans
from tfx_rollout.kfp.runner import PipelineResult, run_pipeline
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor import running_supervisor
from tfx_rollout.traffic import Label

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "kubeflow"))
from compile_pipeline import compiled_file  # noqa: E402 it is in a folder of its own

PIPELINES = {"PYTHONPATH": str(REPOSITORY / "pipelines")}
PRELOAD = (
    "tfx_rollout.tfx.kubeflow.entrypoint",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "taxi.pipeline",
)
TAXI_SECONDS, PLAIN_SECONDS = 600.0, 180.0
"""The bars, on two cores."""


@contextmanager
def supervised(volume: Path) -> Iterator[None]:
    """Serves a root in a process of its own."""
    volume.mkdir()
    command = [
        sys.executable,
        "-m",
        "tfx_rollout.cli",
        "serve",
        str(volume),
        "--port",
        str(free_port()),
        "--tethered",
        "--no-api",
    ]
    with volume.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while running_supervisor(volume) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the supervisor did not start:\n{volume.with_suffix('.log').read_text()}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(60)


def to_a_live_version(folder: Path, model: str, ir: Path, **options: Any) -> PipelineResult:
    """One run from nothing; ends the benchmark where no version is live after it."""
    folder.mkdir(exist_ok=True)
    bucket, volume = folder / "bucket", folder / "volume"
    bucket.mkdir(exist_ok=True)
    with supervised(volume):
        result = run_pipeline(
            ir, mounts={"gs://tfx-rollout": bucket, "/srv/models": volume}, environment=PIPELINES, timeout_s=300, **options
        ).require_success()
        observed = ModelStore(volume).model(model).observed()
    if observed is None or not any(Label.STABLE in server.labels for server in observed.servers):
        raise SystemExit(f"no version of {model} is live after the run: {observed}")
    return result


def taxi(folder: Path) -> PipelineResult:
    """The TFX pipeline; TFX is imported once."""
    write_spans(folder / "bucket" / "data")
    return to_a_live_version(folder, "taxi", compiled_file(), parameters={"span": "1"}, mode="fork", preload=PRELOAD)


def plain(folder: Path) -> PipelineResult:
    """The pipeline without TFX; each task is a process from its start."""
    compiled = REPOSITORY / "kubeflow" / "compiled" / "penguin.yaml"
    data = folder / "bucket" / "penguins"
    data.mkdir(parents=True)
    shutil.copy(REPOSITORY / "pipelines" / "penguin" / "data" / "penguins.csv", data)
    return to_a_live_version(folder, "penguin", compiled, pipeline_root="gs://tfx-rollout/penguin")


def seconds(result: PipelineResult) -> dict[str, float]:
    """Each task that was run, and how long it took."""
    return {name: round(task.seconds, 2) for name, task in result.tasks.items() if task.log is not None}


def main() -> int:
    """Both pipelines, and what the runner itself costs."""
    with tempfile.TemporaryDirectory(prefix="kfp-runner-") as folder:
        tfx, kfp = taxi(Path(folder) / "taxi"), plain(Path(folder) / "plain")
    figures = [
        Figure("the compiled taxi pipeline, to a live version", round(tfx.seconds, 1), "s", bar=TAXI_SECONDS),
        Figure("  its slowest task", max(seconds(tfx).values()), "s"),
        Figure("the compiled pipeline without TFX, to a live version", round(kfp.seconds, 1), "s", bar=PLAIN_SECONDS),
        Figure("  its slowest task", max(seconds(kfp).values()), "s"),
        Figure("the runner itself, both runs", round(own_seconds(tfx) + own_seconds(kfp), 2), "s"),
    ]
    how = "one run each from nothing live, the taxi pipeline in forks of a process that imported TFX, the other in processes"
    return finish("kfp-runner", how, figures, {"taxi": seconds(tfx), "plain": seconds(kfp)})


def own_seconds(result: PipelineResult) -> float:
    """What a run took beside its tasks: reading the pipeline, which imports kfp, and resolving inputs."""
    return result.seconds - sum(seconds(result).values())


if __name__ == "__main__":
    sys.exit(main())
