"""The loop of `tfx-rollout serve`: look, take each model's next step, apply the traffic, write what is seen."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import ParamSpec, TypeVar

from tfx_rollout.errors import Busy, LostLease, RolloutError
from tfx_rollout.gateway import Gateway, GatewaySettings
from tfx_rollout.gateway.envoy import ROLE as GATEWAY
from tfx_rollout.model_store import BasePath, Lease, ModelStore, make_folder
from tfx_rollout.model_store.lease import TTL_S
from tfx_rollout.serving import Launcher, TetheredLauncher, free_port
from tfx_rollout.supervisor.adoption import end_left_over, gateway_for
from tfx_rollout.supervisor.child import Child
from tfx_rollout.supervisor.evidence_pool import EvidencePool
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence, withdraw
from tfx_rollout.supervisor.process_folder import ProcessFolder, Survivor
from tfx_rollout.supervisor.rollouts import ModelRollouts
from tfx_rollout.supervisor.server_environment import server_environment
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
    dies, and runs the rollouts. One acts per root: on one host a lock sees to that, among
    hosts a lease. When it is killed, its gateway and model servers go on serving as they
    are; started again it adopts them and goes on where it was. Use it in the main thread:
    it handles SIGTERM, SIGINT and SIGHUP, and tethered processes end with that thread.
    """

    def __init__(
        self,
        root: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8500,
        admin_port: int | None = None,
        grace_s: float = 30.0,
        tethered: bool = False,
        standby: bool = False,
        local: Path | None = None,
        lease_ttl_s: float = TTL_S,
    ) -> None:
        """`host` and `port` are where clients come, `admin_port` (a free one by default) is the
        gateway's own interface; `grace_s` is what running requests get at the stop. `tethered`:
        gateway and servers end with this process however it ends. `standby`: wait while another
        supervisor serves the root. `local`: see `ModelStore`."""
        self.store = ModelStore(root.absolute(), local=None if local is None else local.absolute())
        self._host, self._port, self._admin_port = host, port, admin_port
        self._grace_s = grace_s
        self._standby = standby
        self._processes = ProcessFolder(self.store.processes_dir)
        self._tethered = tethered
        self._launcher: Launcher = TetheredLauncher() if tethered else self._processes
        self._lease = Lease(self.store.lease_dir, ttl_s=lease_ttl_s)
        self._stopping = False
        self._models: dict[str, SupervisedModel] = {}
        self._rollouts: dict[str, ModelRollouts] = {}
        self._evidence = EvidencePool(self.store.gateway_dir / "access")
        self._complaints: dict[str, str] = {}

    def run(self) -> None:
        """Serves until SIGTERM, SIGINT or SIGHUP, then lets running requests finish and ends all processes.

        Raises `Busy` when another supervisor serves the root, `PortInUse`, `GatewayFailed`
        and `StorageFault` when it cannot start. After any other error its processes go on, as
        after a kill.
        """
        make_folder(self.store.root)
        make_folder(self.store.local)
        waiting = False
        with self._signals():
            while not self._stopping:
                try:
                    with presence(self.store.root) as alone:
                        self._serve(alone)
                    return
                except Busy as busy:
                    if not self._standby:
                        raise
                    if not waiting:
                        log.info("standing by: %s", busy)
                    waiting = True
                    time.sleep(TURN_S)

    def stop(self) -> None:
        """Asks `run` to end; callable from a signal handler."""
        self._stopping = True

    def _serve(self, alone_on_host: bool) -> None:
        if not self._acquire_lease(alone_on_host):
            return
        withdraw(self.store.root)
        make_folder(self.store.models_dir)
        make_folder(self.store.gateway_dir)
        survivors = self._processes.recover()
        if self._tethered:
            end_left_over(self.store.gateway_dir, self._processes, survivors, grace_s=self._grace_s)
            survivors = {}
        with ThreadPoolExecutor(32, "look") as executor:
            found = survivors.get(GATEWAY)
            settings = self._gateway_settings(found)
            gateway, adopted = gateway_for(self.store.gateway_dir, settings, found, self._launcher, grace_s=self._grace_s)
            link = TrafficLink(gateway)
            if adopted:
                link.recover()
            new_model = self._model_maker(link, gateway, executor)
            self._adopt_servers(survivors, new_model)
            info = SupervisorInfo(os.getpid(), gateway.address, f"127.0.0.1:{settings.admin_port}", time.time())
            announce(self.store.root, info)
            log.info("serving %s on %s (TensorFlow Serving's REST and gRPC); Ctrl-C stops", self.store.root, gateway.address)
            try:
                while not self._stopping:
                    try:
                        busy = self._turn(link, new_model)
                    except LostLease as lost:
                        self._lost_lease(lost, link, alone_on_host, info)
                    else:
                        time.sleep(BUSY_TURN_S if busy else TURN_S)
                self._stop(gateway)
            finally:
                withdraw(self.store.root, info)

    def _gateway_settings(self, found: Survivor | None) -> GatewaySettings:
        running = None if found is None or found.process is None else int(found.record.facts["admin_port"])
        return GatewaySettings(
            host=self._host,
            port=self._port,
            admin_port=self._admin_port or running or free_port(),
            access_log=self.store.gateway_dir / "access",
            # Within it the gateway asks clients to leave; the rest of the grace is for what still runs then.
            drain_s=min(10.0, self._grace_s / 2),
        )

    def _model_maker(self, link: TrafficLink, gateway: Gateway, executor: ThreadPoolExecutor) -> Callable[[str], SupervisedModel]:
        def new_child(base: BasePath, server: str) -> Child:
            environment = partial(server_environment, self.store, base.name)
            folder = self.store.models_dir
            return Child(base.name, server, base.path, folder, executor, launcher=self._launcher, environment=environment)

        return lambda name: SupervisedModel(self.store.model(name), link, gateway.address, new_child, self._lease.check)

    def _adopt_servers(self, survivors: Mapping[str, Survivor], new_model: Callable[[str], SupervisedModel]) -> None:
        """Goes on with the model servers that outlived a supervisor; those of models that are gone are ended."""
        servers = {role: survivor for role, survivor in survivors.items() if role != GATEWAY}
        for name in self.store.models():
            own = {role: servers.pop(role) for role in list(servers) if role.partition("~")[0] == name}
            if own:
                self._add(name, new_model)
                self._models[name].adopt(own)
        end_left_over(self.store.gateway_dir, self._processes, servers, grace_s=self._grace_s)

    def _add(self, name: str, new_model: Callable[[str], SupervisedModel]) -> None:
        self._models[name] = new_model(name)
        self._rollouts[name] = self._new_rollouts(name)

    def _new_rollouts(self, name: str) -> ModelRollouts:
        return ModelRollouts(self.store.model(name), self._evidence, self._lease.check)

    def _turn(self, link: TrafficLink, new_model: Callable[[str], SupervisedModel]) -> bool:
        """One look and at most one step a model; whether anything was done. Raises `LostLease`."""
        self._attempt("the lease", self._lease.renew)
        for name in self._attempt("the root", self.store.models) or ():
            if name not in self._models:
                self._add(name, new_model)
        self._look()
        busy = False
        for model in self._models.values():
            busy = bool(self._attempt(f"model {model.base.name}", model.take_step)) or busy
        self._attempt("the gateway", link.sync)
        for model in self._models.values():
            self._attempt(f"the observed state of {model.base.name}", model.publish, time.time())
        for name, rollouts in self._rollouts.items():
            self._attempt(f"the rollout of {name}", rollouts.tick)
        self._evidence.retain([rollouts.need for rollouts in self._rollouts.values() if rollouts.need is not None])
        return busy

    def _look(self) -> None:
        """Asks the servers what they hold, and hears those that answer soon."""
        wait([look for model in self._models.values() for look in model.ask(time.monotonic())], timeout=LOOK_S)
        for model in self._models.values():
            model.collect()

    def _attempt(self, what: str, deed: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Runs one part of a turn; a fault of one model must not stop the others. Said once, not five times a second.

        `LostLease` passes: nothing of the turn may go on then.
        """
        try:
            result = deed(*args, **kwargs)
        except LostLease:
            raise
        except RolloutError as error:
            if self._complaints.get(what) != str(error):
                log.error("%s: %s", what, error)
                self._complaints[what] = str(error)
            return None
        self._complaints.pop(what, None)
        return result

    def _acquire_lease(self, alone_on_host: bool) -> bool:
        """Waits until the root may be written; False when it was told to stop before. Raises `Busy`, `StorageFault`."""
        told = False
        while not self._lease.attempt(alone_on_host=alone_on_host):
            if self._stopping:
                return False
            holder = self._lease.other_holder
            if self._lease.is_renewed:
                raise Busy(f"The root {self.store.root}", f"the supervisor that is {holder}", "use that one, or stop it first")
            if not told:
                log.info("%s held the lease last; waiting %g s for a sign of life", holder, self._lease.ttl_s)
                told = True
            time.sleep(TURN_S)
        return True

    def _lost_lease(self, lost: LostLease, link: TrafficLink, alone_on_host: bool, info: SupervisorInfo) -> None:
        """Gives the traffic of this host's gateway back to stable, and waits for the lease without acting."""
        if self._attempt("the lease", self._lease.attempt, alone_on_host=alone_on_host):
            log.warning("the lease ran out before it could be renewed; nobody else had it, and it is taken anew")
        else:
            log.error("%s Until then all requests here go to stable, and nothing else is changed.", lost)
            while not self._attempt("the lease", self._lease.attempt, alone_on_host=alone_on_host):
                if self._stopping:
                    return
                self._look()
                for model in self._models.values():
                    self._attempt(f"model {model.base.name}", model.tend)
                link.give_back()
                self._attempt("the gateway", link.sync)
                time.sleep(TURN_S)
            log.info("the lease is had again (fence %d); the desired state is applied", self._lease.fence or 0)
        announce(self.store.root, info)
        for name, model in self._models.items():
            model.begin_anew()
            self._rollouts[name] = self._new_rollouts(name)

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
        try:
            for model in self._models.values():
                self._attempt(f"the observed state of {model.base.name}", model.publish_end, time.time())
            self._lease.release()
        except LostLease as lost:
            log.warning("%s", lost)
        log.info("stopped")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def handle(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        stops = [signal.SIGTERM, signal.SIGINT]
        # A terminal that closes stops it as Ctrl-C does, unless `nohup` says otherwise.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            stops.append(signal.SIGHUP)
        before = {number: signal.signal(number, handle) for number in stops}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
