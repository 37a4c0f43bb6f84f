"""All models of a root behind one gateway: look, take each model's next step, apply the traffic, write what is seen."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Executor, wait
from functools import partial

from tfx_rollout.gateway import Gateway
from tfx_rollout.model_store import BasePath, Guard, ModelStore
from tfx_rollout.serving import Launcher
from tfx_rollout.supervisor.attempts import Attempts
from tfx_rollout.supervisor.child import Child
from tfx_rollout.supervisor.evidence_pool import EvidencePool
from tfx_rollout.supervisor.experiments import ModelExperiments
from tfx_rollout.supervisor.log_keeper import LogKeeper
from tfx_rollout.supervisor.process_folder import Survivor
from tfx_rollout.supervisor.rollouts import ModelRollouts
from tfx_rollout.supervisor.server_environment import server_environment
from tfx_rollout.supervisor.supervised_model import SupervisedModel
from tfx_rollout.supervisor.traffic_link import TrafficLink

log = logging.getLogger("tfx_rollout.supervisor")

LOOK_S = 0.25
"""How long a turn waits for servers to answer; slower ones are heard in a later turn."""
STOP_TURN_S = 0.02
"""Seconds between two looks at servers that are to end."""


class ServedRoot:
    """What one supervisor has in hand while it serves. `guard` is asked before every step and every write.

    To be used by the thread that started the gateway, since tethered processes end with it.
    """

    def __init__(
        self, store: ModelStore, gateway: Gateway, launcher: Launcher, executor: Executor, attempts: Attempts, guard: Guard
    ) -> None:
        self._store, self._gateway = store, gateway
        self._launcher, self._executor, self._attempts, self._guard = launcher, executor, attempts, guard
        self._link = TrafficLink(gateway)
        self._models: dict[str, SupervisedModel] = {}
        self._rollouts: dict[str, ModelRollouts] = {}
        self._experiments: dict[str, ModelExperiments] = {}
        self._access_logs = store.gateway_dir / "access"
        self._evidence = EvidencePool(self._access_logs)
        self._logs = LogKeeper(store, executor)

    def adopt_traffic(self) -> None:
        """Finds out what an adopted gateway has in force. Raises `StorageFault`."""
        self._link.recover()

    def adopt_servers(self, survivors: Mapping[str, Survivor]) -> set[str]:
        """Goes on with the model servers that outlived a supervisor; returns those whose models are still there.

        Raises `StorageFault`.
        """
        adopted: set[str] = set()
        for name in self._store.models():
            own = {role: survivor for role, survivor in survivors.items() if role.partition("~")[0] == name}
            if own:
                self._add(name)
                self._models[name].adopt(own)
                adopted |= own.keys()
        return adopted

    def turn(self) -> bool:
        """One look and at most one step a model; whether anything was done. Raises `LostLease`."""
        for name in self._attempts.make("the root", self._store.models) or ():
            if name not in self._models:
                self._add(name)
        self._logs.tick()
        self._look()
        busy = False
        for model in self._models.values():
            busy = bool(self._attempts.make(f"model {model.base.name}", model.take_step)) or busy
        self._attempts.make("the gateway", self._link.sync)
        for model in self._models.values():
            self._attempts.make(f"the observed state of {model.base.name}", model.publish, time.time())
        for name, rollouts in self._rollouts.items():
            self._attempts.make(f"the rollout of {name}", rollouts.tick)
        for name, experiments in self._experiments.items():
            self._attempts.make(f"the A/B test of {name}", experiments.tick)
        self._evidence.retain([rollouts.need for rollouts in self._rollouts.values() if rollouts.need is not None])
        return busy

    def turn_without_lease(self) -> None:
        """Keeps gateway and servers running as they are, with all requests going to stable; writes nothing that is shared."""
        self._logs.tick()
        self._look()
        for model in self._models.values():
            self._attempts.make(f"model {model.base.name}", model.tend)
        self._link.give_back()
        self._attempts.make("the gateway", self._link.sync)

    def begin_anew(self) -> None:
        """Forgets what was read and applied, since another supervisor may have acted meanwhile; what serves goes on."""
        for name, model in self._models.items():
            model.begin_anew()
            self._rollouts[name], self._experiments[name] = self._new_rollouts(name), self._new_experiments(name)

    def stop(self, grace_s: float) -> None:
        """Lets running requests finish for up to `grace_s` seconds and ends all processes. Raises `LostLease` after that."""
        self._gateway.stop(grace_s)
        children = [child for model in self._models.values() for child in model.children.values()]
        for child in children:
            child.stop()
        while not all(child.gone for child in children):
            for child in children:
                child.tick()
            time.sleep(STOP_TURN_S)
        for model in self._models.values():
            self._attempts.make(f"the observed state of {model.base.name}", model.publish_end, time.time())

    def _add(self, name: str) -> None:
        self._models[name] = SupervisedModel(
            self._store.model(name), self._link, self._gateway.address, self._new_child, self._guard
        )
        self._rollouts[name], self._experiments[name] = self._new_rollouts(name), self._new_experiments(name)

    def _new_rollouts(self, name: str) -> ModelRollouts:
        return ModelRollouts(self._store.model(name), self._evidence, self._guard)

    def _new_experiments(self, name: str) -> ModelExperiments:
        return ModelExperiments(self._store.model(name), self._access_logs, self._guard)

    def _new_child(self, base: BasePath, server: str) -> Child:
        return Child(
            base.name,
            server,
            base.path,
            self._store.models_dir,
            self._executor,
            launcher=self._launcher,
            environment=partial(server_environment, self._store, base.name),
        )

    def _look(self) -> None:
        """Asks the servers what they hold, and hears those that answer soon."""
        wait([look for model in self._models.values() for look in model.ask(time.monotonic())], timeout=LOOK_S)
        for model in self._models.values():
            model.collect()
