"""Rollouts: what starts one, how it stands, what can be ordered."""

from __future__ import annotations

from typing import Literal

from tfx_rollout.control.documents.form import Document, Json, Share, Told, VersionNumber, Wanted, Why

OrderKind = Literal["approve", "promote", "pause", "resume", "skip", "abort", "rollback"]


class RolloutWanted(Wanted):
    """A rollout is to be started."""

    version: VersionNumber | None = None
    """The candidate; the newest version where it is left out."""
    plan: str | Json = "default"
    """A built-in plan's name, or a whole plan document."""
    why: Why = "asked for over the API"


class OrderWanted(Wanted):
    """Something is to be ordered of a rollout."""

    kind: OrderKind
    why: Why = "asked for over the API"
    now: bool = False
    """Of a rollback: without the steps of the plan's way back."""


class Order(Document):
    """An order as it was taken down; the supervisor takes it up within a second."""

    rollout: str
    number: int
    kind: str
    by: str
    why: str
    at: float
    taken: bool
    """Whether it was taken up yet."""


class Rollout(Document):
    """One rollout, as it stands. Its report has everything else."""

    id: str
    model: str
    version: int
    stable: int | None
    """The version that was live when it began."""
    plan: str
    phase: str
    outcome: str | None
    """promoted, first_version, rolled_back or failed; None before the end."""
    finished: bool
    passed: bool
    reason: str
    by: str
    why: str
    created_at: float
    phase_since: float
    finished_at: float | None
    stage: int
    """Counted from 1; 0 before the first."""
    stages: int
    stage_kind: str | None
    share: Share
    """The candidate's share in this stage."""
    attempt: int
    windows: int
    e_value: float | None
    """Evidence against the candidate; None before the first verdict. From `threshold` on it is rolled back."""
    threshold: float
    call: str | None
    """The last verdict's call."""
    reasons: list[str]
    """The last verdict's reasons, the decisive one first."""
    remaining: str | None
    asked: list[str]
    """What a person is asked about."""
    deadline: float | None
    """While it holds: when the plan's default happens without a word."""
    possible_orders: list[str]
    """What may be ordered now: nothing while another order waits. While it steps back, a rollback goes with `now` only."""
    orders: list[Order]
    """Those that were not taken up yet."""
    revision: str
    """Changes with every event, window and order: what a conditional order names."""


class Rollouts(Document):
    """A model's rollouts, newest first."""

    model: str
    rollouts: list[Rollout]
    total: int


class PlanDocument(Document):
    """A plan with all its defaults filled in."""

    name: str
    document: Told


class Plans(Document):
    """The plans that ship with the program."""

    plans: list[PlanDocument]
