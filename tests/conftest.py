"""What all tests share: how hypothesis searches, and a root that is served without processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from tfx_rollout.model_store import BasePath
from tfx_rollout.testing import Behaviour, ServedRoot

# How long an example takes says nothing on a machine that does other things too. A run that guards the main line
# looks at the same examples each time; everybody else's looks further.
settings.register_profile("here", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("here")


@pytest.fixture
def supervised() -> Callable[..., ServedRoot]:
    """`supervised(base, failures=0.05)`: use it in `with`; `failures` is the canary's share."""

    def supervised(base: BasePath, failures: float = 0.0) -> ServedRoot:
        return ServedRoot(base, Behaviour(failures=failures))

    return supervised


@pytest.fixture
def plan() -> dict[str, Any]:
    """One stage that some windows decide."""
    return {
        "name": "quick",
        "stages": [{"share": 0.5, "min_seconds": 10, "max_seconds": 300, "max_failure_rate": 0.05}],
        "window_seconds": 5,
        "waiting_seconds": 2,
        "min_windows": 3,
        "min_requests": 100,
        "promotion_deadline_seconds": 100_000,
    }
