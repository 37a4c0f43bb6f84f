"""The one process that acts: it makes the serving what the desired state says, and runs the rollouts.

The names below are loaded on first use: who only asks whether a root is served imports `presence` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfx_rollout.lazy_names import lazy_names

if TYPE_CHECKING:
    from tfx_rollout.supervisor.adoption import stop_left_over
    from tfx_rollout.supervisor.api_process import ApiSettings
    from tfx_rollout.supervisor.presence import SupervisorInfo, running_supervisor
    from tfx_rollout.supervisor.supervisor import Supervisor

__all__ = ["ApiSettings", "Supervisor", "SupervisorInfo", "running_supervisor", "stop_left_over"]

_HOMES = {
    "ApiSettings": "api_process",
    "Supervisor": "supervisor",
    "SupervisorInfo": "presence",
    "running_supervisor": "presence",
    "stop_left_over": "adoption",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
