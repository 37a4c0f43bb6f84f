"""What outlived a supervisor: taken over by the next one where it fits, else ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tfx_rollout.errors import GatewayFailed
from tfx_rollout.gateway import Gateway, GatewaySettings
from tfx_rollout.gateway.envoy import ROLE as GATEWAY
from tfx_rollout.model_store import Lease, ModelStore
from tfx_rollout.serving import Launcher, ensure_free
from tfx_rollout.supervisor.child import STOP_GRACE_S
from tfx_rollout.supervisor.presence import presence
from tfx_rollout.supervisor.process_folder import ProcessFolder, Survivor, end_all
from tfx_rollout.traffic import ObservedState

log = logging.getLogger("tfx_rollout.supervisor")


def gateway_for(
    directory: Path, settings: GatewaySettings, survivor: Survivor | None, launcher: Launcher, *, grace_s: float
) -> tuple[Gateway, bool]:
    """A running gateway of these settings, and whether it is the one that outlived its supervisor.

    One with other settings (another address, a newer form of the access log) is stopped, with
    `grace_s` for running requests, and replaced. Raises `PortInUse`, `GatewayFailed`, `StorageFault`.
    """
    gateway = Gateway(directory, settings, launcher=launcher)
    if survivor is not None and survivor.process is not None:
        if gateway.matches(survivor.record.facts):
            try:
                gateway.adopt(survivor.process, survivor.record.facts)
                log.info("the gateway goes on (pid %d)", survivor.process.pid)
                return gateway, True
            except GatewayFailed as fault:
                log.warning("%s It is started again.", fault)
        else:
            log.warning(
                "the gateway that runs has other settings than are asked for and is replaced; clients have to connect anew"
            )
            _stop_gateway(directory, survivor, launcher, grace_s)
    elif survivor is not None:
        log.warning("the gateway died while no supervisor ran; starting it again")
    ensure_free(settings.host, settings.port, "the gateway's port for clients")
    ensure_free("127.0.0.1", settings.admin_port, "the gateway's admin port")
    gateway.start()
    return gateway, False


def stop_left_over(root: Path, *, grace_s: float, local: Path | None = None) -> list[str]:
    """Ends what goes on serving a root on this host without a supervisor; the names of what ran.

    Raises `Busy` when a supervisor runs, which is to be stopped itself, and `StorageFault`.
    """
    store = ModelStore(root.absolute(), local=None if local is None else local.absolute())
    with presence(store.root) as alone:
        folder = ProcessFolder(store.processes_dir)
        ended = end_left_over(store.gateway_dir, folder, folder.recover(), grace_s=grace_s)
        lease = Lease(store.lease_dir)
        # Where another host serves the root by now, the observed state is what that one sees.
        if ended and lease.attempt(alone_on_host=alone):
            for base in map(store.model, store.models()):
                gone = ObservedState(base.name, step="what a killed supervisor had left was stopped", at=time.time())
                base.write_observed(gone, guard=lease.check)
            lease.release()
    return ended


def end_left_over(directory: Path, folder: ProcessFolder, survivors: Mapping[str, Survivor], *, grace_s: float) -> list[str]:
    """Ends what outlived a supervisor as a clean stop does: the gateway first, which gives running requests `grace_s`
    seconds, then the model servers. Returns the names of those that ran."""
    running = {role: survivor for role, survivor in survivors.items() if survivor.process is not None}
    if GATEWAY in running:
        _stop_gateway(directory, running[GATEWAY], folder, grace_s)
    for role in survivors:
        folder.forget(role)
    end_all([survivor.process for survivor in running.values() if survivor.process is not None], STOP_GRACE_S)
    return sorted(running)


def _stop_gateway(directory: Path, survivor: Survivor, launcher: Launcher, grace_s: float) -> None:
    facts = survivor.record.facts
    settings = GatewaySettings(
        host=facts["host"], port=facts["port"], admin_port=facts["admin_port"], access_log=Path(facts["access_log"]).parent
    )
    former = Gateway(directory, settings, launcher=launcher)
    assert survivor.process is not None
    # One that takes no requests is ended by the attempt.
    with suppress(GatewayFailed):
        former.adopt(survivor.process, facts)
        former.stop(grace_s)
