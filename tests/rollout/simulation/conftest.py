"""A plan that is decided in minutes, so that hundreds of simulated rollouts take a second or two."""

from __future__ import annotations

import pytest

from tfx_rollout.rollout import Plan, plan_from_dict

QUICK = {
    "name": "quick",
    "stages": [{"share": 0.1}, {"share": 0.5}],
    "accuracy": {"ages": [60, 180, 600]},
}


@pytest.fixture
def quick():
    """`quick(key=value, …)`: a plan of two stages with these changes."""

    def make(**changes) -> Plan:
        return plan_from_dict({**QUICK, **changes})

    return make
