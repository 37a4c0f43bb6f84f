"""A source of evidence over an access log."""

from __future__ import annotations

import pytest

from tfx_rollout.evidence.access_log import LOOP_S, AccessLogSource

WAITING_S = 2.0
LAG_S = WAITING_S + LOOP_S
"""So far behind the newest line is what is complete."""


@pytest.fixture
def source(log):
    """It reads the whole log."""
    return AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)
