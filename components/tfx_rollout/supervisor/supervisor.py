"""`tfx-rollout serve`: who may act for a root, and the loop of the one who does."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tfx_rollout.errors import Busy, LostLease
from tfx_rollout.gateway import GatewaySettings
from tfx_rollout.gateway.config import MAX_REQUEST_BYTES, REQUEST_TIMEOUT_S
from tfx_rollout.gateway.envoy import ROLE as GATEWAY
from tfx_rollout.model_store import Lease, ModelStore, make_folder
from tfx_rollout.model_store.lease import TTL_S
from tfx_rollout.serving import Launcher, TetheredLauncher, free_port
from tfx_rollout.supervisor.adoption import end_left_over, gateway_for
from tfx_rollout.supervisor.api_process import ApiProcess, ApiSettings
from tfx_rollout.supervisor.attempts import Attempts
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, announced, presence, withdraw
from tfx_rollout.supervisor.process_folder import ProcessFolder, Survivor
from tfx_rollout.supervisor.served_root import ServedRoot

log = logging.getLogger("tfx_rollout.supervisor")

TURN_S = 0.2
"""Seconds between two turns when there is nothing to do."""
BUSY_TURN_S = 0.02
"""Seconds between two turns when the last one did something."""


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
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        api: ApiSettings | None = None,
    ) -> None:
        """`host` and `port` are where clients come, `admin_port` (a free one by default) is the
        gateway's own interface; `grace_s` is what running requests get at the stop. `tethered`:
        gateway and servers end with this process however it ends. `standby`: wait while another
        supervisor serves the root. `local`: see `ModelStore`. `request_timeout_s`: how long a
        request may take, `max_request_bytes`: how large its body may be. `api`: the HTTP API
        beside it, none by default."""
        self.store = ModelStore(root.absolute(), local=None if local is None else local.absolute())
        self._host, self._port, self._admin_port = host, port, admin_port
        self._grace_s = grace_s
        self._request_timeout_s, self._max_request_bytes = request_timeout_s, max_request_bytes
        self._standby = standby
        self._processes = ProcessFolder(self.store.processes_dir)
        self._tethered = tethered
        self._launcher: Launcher = TetheredLauncher() if tethered else self._processes
        self._lease = Lease(self.store.lease_dir, ttl_s=lease_ttl_s)
        self._attempts = Attempts()
        self._api = None if api is None else ApiProcess(api, self.store)
        self._stopping = False

    def run(self) -> None:
        """Serves until SIGTERM, SIGINT or SIGHUP, then lets running requests finish and ends all processes.

        Raises `Busy` when another supervisor serves the root, `PortInUse`, `GatewayFailed`
        and `StorageFault` when it cannot start. After any other error its processes go on, as
        after a kill.
        """
        make_folder(self.store.root)
        make_folder(self.store.local)
        waiting = warned = False
        with self._signals():
            while not self._stopping:
                try:
                    with presence(self.store.root) as alone:
                        if not alone and not warned:
                            log.warning("%s cannot be locked; the lease alone keeps other supervisors out", self.store.root)
                            warned = True
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
        if self._api is None:
            self._serve_models(alone_on_host)
            return
        before = announced(self.store.root)
        self._api.open(former=None if before is None else before.api_address)
        try:
            self._serve_models(alone_on_host)
        finally:
            self._api.stop()

    def _serve_models(self, alone_on_host: bool) -> None:
        withdraw(self.store.root)
        make_folder(self.store.models_dir)
        make_folder(self.store.gateway_dir)
        with ThreadPoolExecutor(32, "look") as executor:
            root, info = self._take_over(self._processes.recover(), executor)
            announce(self.store.root, info)
            log.info("serving %s on %s (TensorFlow Serving's REST and gRPC); Ctrl-C stops", self.store.root, info.gateway_address)
            try:
                self._act(root, info, alone_on_host)
                self._stop(root)
            finally:
                withdraw(self.store.root, info)

    def _take_over(self, survivors: dict[str, Survivor], executor: ThreadPoolExecutor) -> tuple[ServedRoot, SupervisorInfo]:
        """Adopts what an earlier supervisor left, and starts the gateway where there is none."""
        if self._tethered:
            end_left_over(self.store.gateway_dir, self._processes, survivors, grace_s=self._grace_s)
            survivors = {}
        found = survivors.pop(GATEWAY, None)
        settings = self._gateway_settings(found)
        gateway, adopted = gateway_for(self.store.gateway_dir, settings, found, self._launcher, grace_s=self._grace_s)
        root = ServedRoot(self.store, gateway, self._launcher, executor, self._attempts, self._lease.check)
        if adopted:
            root.adopt_traffic()
        kept = root.adopt_servers(survivors)
        of_lost_models = {role: survivor for role, survivor in survivors.items() if role not in kept}
        end_left_over(self.store.gateway_dir, self._processes, of_lost_models, grace_s=self._grace_s)
        api_address = None if self._api is None else self._api.address
        return root, SupervisorInfo(os.getpid(), gateway.address, f"127.0.0.1:{settings.admin_port}", time.time(), api_address)

    def _gateway_settings(self, found: Survivor | None) -> GatewaySettings:
        running = None if found is None or found.process is None else int(found.record.facts["admin_port"])
        return GatewaySettings(
            host=self._host,
            port=self._port,
            admin_port=self._admin_port or running or free_port(),
            access_log=self.store.gateway_dir / "access",
            # Within it the gateway asks clients to leave; the rest of the grace is for what still runs then.
            drain_s=min(10.0, self._grace_s / 2),
            request_timeout_s=self._request_timeout_s,
            max_request_bytes=self._max_request_bytes,
        )

    def _act(self, root: ServedRoot, info: SupervisorInfo, alone_on_host: bool) -> None:
        """Turn after turn, until it is told to stop."""
        while not self._stopping:
            try:
                self._tend_api()
                self._attempts.make("the lease", self._lease.renew)
                busy = root.turn()
            except LostLease as lost:
                if self._regain_lease(root, lost, alone_on_host):
                    root.begin_anew()
                    announce(self.store.root, info)
            else:
                time.sleep(BUSY_TURN_S if busy else TURN_S)

    def _tend_api(self) -> None:
        """A fault of the API is said, and disturbs nothing else."""
        if self._api is not None:
            self._attempts.make("the API", self._api.tick)

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

    def _regain_lease(self, root: ServedRoot, lost: LostLease, alone_on_host: bool) -> bool:
        """Gives the traffic of this host's gateway back to stable and waits for the lease; False when told to stop before."""

        def attempt() -> bool:
            return bool(self._attempts.make("the lease", self._lease.attempt, alone_on_host=alone_on_host))

        if attempt():
            log.warning("the lease ran out before it could be renewed; nobody else had it, and it is taken anew")
            return True
        log.error("%s Until then all requests here go to stable, and nothing else is changed.", lost)
        while not attempt():
            if self._stopping:
                return False
            self._tend_api()
            root.turn_without_lease()
            time.sleep(TURN_S)
        log.info("the lease is had again (fence %d); the desired state is applied", self._lease.fence or 0)
        return True

    def _stop(self, root: ServedRoot) -> None:
        log.info("stopping: running requests may finish")
        try:
            root.stop(self._grace_s)
            self._attempts.make("the lease", self._lease.release)
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
