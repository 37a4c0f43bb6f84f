"""Fakes for tests of what uses tfx-rollout: serving, traffic and time in memory, without a process or a sleep.

    clock = ManualClock()
    serving = SimulatedServing("taxi", clock)          # servers, gateway and the supervisor's loop
    evidence = InMemoryEvidence(clock, serving.split_at, canary=Behaviour(failures=0.05))
    controller = RolloutController(base, evidence, clock, labels=evidence.labels)

The serving keeps TensorFlow Serving's rules for labels and versions and is driven by the
very `next_step` that drives real processes; only the processes are simulated. The evidence
is a scripted stream of requests, the same for the same seed however it is cut into windows.
`SimulatedUsers` are the requests of an A/B test, and the feedback about them. `ServedRoot(base)` puts all of it behind a
root, for tests of what goes through the files alone: a pipeline's steps, an operator's changes.
"""

from tfx_rollout.testing.clock import ManualClock
from tfx_rollout.testing.evidence import Behaviour, InMemoryEvidence, InMemoryLabels
from tfx_rollout.testing.served_root import ServedRoot
from tfx_rollout.testing.serving import Delays, SimulatedServer, SimulatedServing
from tfx_rollout.testing.users import Habit, SimulatedUsers

__all__ = [
    "Behaviour",
    "Delays",
    "Habit",
    "InMemoryEvidence",
    "InMemoryLabels",
    "ManualClock",
    "ServedRoot",
    "SimulatedServer",
    "SimulatedServing",
    "SimulatedUsers",
]
