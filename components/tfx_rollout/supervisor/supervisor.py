"""The loop of `tfx-rollout serve`: look, take each model's next step, apply the traffic, write what is seen."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

from tfx_rollout.errors import RolloutError
from tfx_rollout.gateway import Gateway, GatewaySettings
from tfx_rollout.model_store import BasePath, ModelStore, make_folder
from tfx_rollout.serving import ensure_free, free_port
from tfx_rollout.supervisor.child import Child
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.supervisor.rollouts import EvidencePool, ModelRollouts
from tfx_rollout.supervisor.supervised_model import SupervisedModel
from tfx_rollout.supervisor.traffic_link import TrafficLink

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("tfx_rollout.supervisor")

TURN_S = 0.2
"""Seconds between two turns when there is nothing to do."""
BUSY_TURN_S = 0.02
"""Seconds between two turns when the last one did something."""
LOOK_S = 0.25
"""How long a turn waits for servers to answer; slower ones are heard in a later turn."""


class Supervisor:
    """Serves every model of a root until it is told to stop.

    It applies desired states, also those written while it did not run, restarts what
    dies, and runs the rollouts. One runs per root. Its processes end with it, however it
    ends; started again, it brings everything back from the files. Use it in the main
    thread: it handles SIGTERM and SIGINT, and its processes are tethered to that thread.
    """

    def __init__(
        self,
        root: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8500,
        admin_port: int | None = None,
        grace_s: float = 30.0,
    ) -> None:
        """`host` and `port` are where clients come, `admin_port` (a free one by default) is the
        gateway's own interface; `grace_s` is what running requests get at the stop."""
        self.store = ModelStore(root.absolute())
        self._host, self._port, self._admin_port = host, port, admin_port
        self._grace_s = grace_s
        self._stopping = False
        self._models: dict[str, SupervisedModel] = {}
        self._rollouts: dict[str, ModelRollouts] = {}
        self._evidence = EvidencePool(self.store.gateway_dir / "access")
        self._complaints: dict[str, str] = {}

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets running requests finish and ends all processes.

        Raises `Busy` when another supervisor serves the root, `PortInUse`, `GatewayFailed`
        and `StorageFault` when it cannot start.
        """
        make_folder(self.store.root)
        with presence(self.store.root), self._signals(), ThreadPoolExecutor(32, "look") as executor:
            ensure_free(self._host, self._port, "the gateway's port for clients")
            admin_port = self._admin_port or free_port()
            ensure_free("127.0.0.1", admin_port, "the gateway's admin port")
            make_folder(self.store.models_dir)
            make_folder(self.store.gateway_dir)
            gateway = Gateway(
                self.store.gateway_dir,
                GatewaySettings(
                    host=self._host,
                    port=self._port,
                    admin_port=admin_port,
                    access_log=self.store.gateway_dir / "access",
                    # Within it the gateway asks clients to leave; the rest of the grace is for what still runs then.
                    drain_s=min(10.0, self._grace_s / 2),
                ),
            )
            gateway.start()
            try:
                address = f"{self._host}:{self._port}"
                announce(self.store.root, SupervisorInfo(os.getpid(), address, f"127.0.0.1:{admin_port}", time.time()))
                log.info("serving %s on %s (TensorFlow Serving's REST and gRPC); Ctrl-C stops", self.store.root, address)
                self._loop(gateway, address, executor)
            finally:
                self._stop(gateway)

    def stop(self) -> None:
        """Asks `run` to end; callable from a signal handler."""
        self._stopping = True

    def _loop(self, gateway: Gateway, address: str, executor: ThreadPoolExecutor) -> None:
        link = TrafficLink(gateway)

        def new_child(base: BasePath, server: str) -> Child:
            return Child(base.name, server, base.path, self.store.models_dir, executor)

        while not self._stopping:
            for name in self._attempt("the root", self.store.models) or ():
                if name not in self._models:
                    base = self.store.model(name)
                    self._models[name] = SupervisedModel(base, link, address, new_child)
                    self._rollouts[name] = ModelRollouts(base, self._evidence)
            time.sleep(BUSY_TURN_S if self._turn(link) else TURN_S)

    def _turn(self, link: TrafficLink) -> bool:
        """One look and at most one step a model; whether anything was done."""
        models = self._models.values()
        wait([look for model in models for look in model.ask(time.monotonic())], timeout=LOOK_S)
        busy = False
        for model in models:
            model.collect()
            busy = bool(self._attempt(f"model {model.base.name}", model.take_step, time.time())) or busy
        self._attempt("the gateway", link.sync)
        for model in models:
            self._attempt(f"the observed state of {model.base.name}", model.publish, time.time())
        for name, rollouts in self._rollouts.items():
            self._attempt(f"the rollout of {name}", rollouts.tick)
        self._evidence.retain([rollouts.need for rollouts in self._rollouts.values() if rollouts.need is not None])
        return busy

    def _attempt(self, what: str, deed: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Runs one part of a turn; a fault of one model must not stop the others. Said once, not five times a second."""
        try:
            result = deed(*args, **kwargs)
        except RolloutError as error:
            if self._complaints.get(what) != str(error):
                log.error("%s: %s", what, error)
                self._complaints[what] = str(error)
            return None
        self._complaints.pop(what, None)
        return result

    def _stop(self, gateway: Gateway) -> None:
        log.info("stopping: running requests may finish")
        gateway.stop(self._grace_s)
        children = [child for model in self._models.values() for child in model.children.values()]
        for child in children:
            child.stop()
        while not all(child.gone for child in children):
            for child in children:
                child.tick()
            time.sleep(BUSY_TURN_S)
        for model in self._models.values():
            self._attempt(f"the observed state of {model.base.name}", model.publish_end, time.time())
        log.info("stopped")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def handle(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
