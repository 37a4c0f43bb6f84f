"""Whether somebody serves a root, answered at once however often it is asked."""

from __future__ import annotations

from tfx_rollout.control.documents import Supervisor
from tfx_rollout.model_store import LeaseWatch, ModelStore
from tfx_rollout.supervisor.presence import announced, running_supervisor


class RootPresence:
    """Who serves a root, on this host or, by its lease, on another one."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._elsewhere = LeaseWatch(store.lease_dir)

    def supervisor(self) -> Supervisor | None:
        """The supervisor that serves the root; None when none does. Raises `StorageFault`."""
        found = running_supervisor(self._store.root)
        if found is None and self._elsewhere.lives():
            found = announced(self._store.root)
        if found is None:
            return None
        return Supervisor(
            pid=found.pid, gateway_address=found.gateway_address, api_address=found.api_address, started=found.started
        )
