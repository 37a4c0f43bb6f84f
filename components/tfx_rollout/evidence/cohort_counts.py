"""Users of one window of an A/B test: how many came, and what became of them. Values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arrivals:
    """What one arm saw in one window."""

    users: int = 0
    """Users whose first request since the test began started in it."""
    requests: int = 0
    """Requests of all users on the arm, those of returning ones too."""
    failures: int = 0
    """Of them, those without a good answer."""
    at_risk: int = 0
    """The arm's users who came in it and had no failed request before it."""
    failed: int = 0
    """Of these, those who had one in it."""


@dataclass(frozen=True)
class Outcomes:
    """What became of one arm's users who came first in one window.

    `counted` of `users` have a known outcome: all of them for an event, those with feedback otherwise. `positives` of these said
    or did yes. `values` are the numbers, in the order in which their users came; empty for other metrics.
    """

    users: int = 0
    counted: int = 0
    positives: int = 0
    values: tuple[float, ...] = ()
