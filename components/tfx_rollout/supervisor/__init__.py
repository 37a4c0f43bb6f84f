"""The one process that acts: it makes the serving what the desired state says, and runs the rollouts."""

from __future__ import annotations

from tfx_rollout.supervisor.adoption import stop_left_over
from tfx_rollout.supervisor.api_process import ApiSettings
from tfx_rollout.supervisor.presence import SupervisorInfo, running_supervisor
from tfx_rollout.supervisor.supervisor import Supervisor

__all__ = ["ApiSettings", "Supervisor", "SupervisorInfo", "running_supervisor", "stop_left_over"]
