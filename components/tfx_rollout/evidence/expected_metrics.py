"""Which metrics feedback is expected about, so that a value that cannot be one is refused when it comes.

    <base>/.rollout/feedback/metrics.json      the metric of the A/B test that runs

Whoever begins a test says so before it, and takes it back when it ends.
"""

from __future__ import annotations

from pathlib import Path

from tfx_rollout.errors import CorruptState
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.model_store import BasePath, Guard, make_folder, read_json, remove_file, unguarded, write_json


def expect_metric(base: BasePath, metric: Metric) -> None:
    """Feedback about this metric is held against it from now on."""
    path = _path(base)
    make_folder(path.parent)
    write_json(path, {metric.name: metric.to_json()})


def expect_no_metric(base: BasePath, *, guard: Guard = unguarded) -> None:
    """Feedback is taken as it comes. May be said again. `guard` (the check of a lease) is asked first."""
    guard()
    remove_file(_path(base))


def expected_metrics(base: BasePath) -> dict[str, Metric]:
    """The metrics by name."""
    path = _path(base)
    data = read_json(path)
    try:
        return {name: Metric.from_json(metric) for name, metric in (data or {}).items()}
    except TypeError as error:
        raise CorruptState(str(path), f"it is not what this version of the program wrote: {error!r}") from error


def _path(base: BasePath) -> Path:
    return base.control / "feedback" / "metrics.json"
