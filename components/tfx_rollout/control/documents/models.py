"""A root and its models at a glance."""

from __future__ import annotations

from tfx_rollout.control.documents.configuration import Difference
from tfx_rollout.control.documents.experiments import Experiment
from tfx_rollout.control.documents.form import Document, Share
from tfx_rollout.control.documents.rollouts import Rollout
from tfx_rollout.control.documents.versions import Version


class Supervisor(Document):
    """Who serves the root. `gateway_address` is where clients go (`host:port`), TensorFlow Serving's REST and gRPC."""

    pid: int
    gateway_address: str
    api_address: str | None
    """`host:port` of its HTTP API with the page; None where it has none."""
    started: float


class ModelOverview(Document):
    """One model: what serves how much, and what is being done about it."""

    model: str
    generation: int
    """Of the desired state."""
    observed_generation: int
    """The newest generation that was applied to its end; 0 before the first."""
    settled: bool
    """Whether what is in force is what is desired."""
    step: str
    """What is being done or waited for now, in words; empty when settled."""
    fault: str | None
    cause: str
    """Why the desired state was written."""
    by: str
    at: float
    labels: dict[str, int]
    """The project's labels: stable, canary, previous, variant-b … ."""
    aliases: dict[str, int]
    pinned: list[int]
    shares: dict[str, Share]
    """By track, as the gateway confirmed it; empty before the first time."""
    desired_shares: dict[str, Share]
    mirror: Share
    sticky_header: str | None
    versions: list[Version]
    """Newest first."""
    differences: list[Difference]
    rollout: Rollout | None
    """The one that runs or waits, else None."""
    experiment: Experiment | None
    """The A/B test that runs, else None."""


class Models(Document):
    """All models of the root, by name."""

    supervisor: Supervisor | None
    """None while no supervisor serves the root: then nothing that is ordered happens."""
    models: list[ModelOverview]


class Readiness(Document):
    """Whether the setup can do its work: a supervisor serves the root, and its files can be read."""

    ready: bool
    reasons: list[str]
    """Why it is not, if so."""
