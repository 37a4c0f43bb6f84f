"""The very judge on simulated traffic: how often a plan decides how, how long it takes, and what it costs."""

from tfx_rollout.rollout.simulation.behaviour import Arrival, Behaviour, Incident, Labels, Latency, Slowdown, Stalls, Users
from tfx_rollout.rollout.simulation.run import (
    PROMOTED,
    ROLLED_BACK,
    UNDECIDED,
    Order,
    Runs,
    processors,
    simulate,
    simulate_all,
    summary,
)
from tfx_rollout.rollout.simulation.scenario import SCENARIOS, Scenario, arranged, scenario_named
from tfx_rollout.rollout.simulation.traffic import Traffic

__all__ = [
    "PROMOTED",
    "ROLLED_BACK",
    "SCENARIOS",
    "UNDECIDED",
    "Arrival",
    "Behaviour",
    "Incident",
    "Labels",
    "Latency",
    "Order",
    "Runs",
    "Scenario",
    "Slowdown",
    "Stalls",
    "Traffic",
    "Users",
    "arranged",
    "processors",
    "scenario_named",
    "simulate",
    "simulate_all",
    "summary",
]
