"""A/B tests."""

from __future__ import annotations

from typing import Literal

from tfx_rollout.control.documents.form import Document, Json, Told, Wanted, Why


class ExperimentWanted(Wanted):
    """An A/B test is to be started: the whole plan document (`docs/ab-tests.md`)."""

    plan: Json
    why: Why = "asked for over the API"


class ExperimentOrderWanted(Wanted):
    """Something is to be ordered of an A/B test.

    `stop` gives all traffic back to the live version, `promote` makes a variant live.
    """

    kind: Literal["stop", "promote"]
    variant: str | None = None
    """Which one to promote: variant-b … ."""
    why: Why = "asked for over the API"


class Experiment(Document):
    """One A/B test, as it stands. Its report has everything else."""

    id: str
    model: str
    name: str
    phase: str
    outcome: str | None
    finished: bool
    reason: str
    by: str
    why: str
    created_at: float
    finished_at: float | None
    until: float | None
    """When it ends without a decision."""
    metric: str
    header: str
    alpha: float
    arms: list[Told]
    """Per arm: track, version, share, users, outcomes, estimate, interval, evidence, state (see `experiment.report`)."""
    windows: int
    possible_orders: list[str]
    revision: str


class Experiments(Document):
    """A model's A/B tests, newest first."""

    model: str
    experiments: list[Experiment]
    total: int
