"""Whether somebody serves a root, answered at once however often it is asked."""

from __future__ import annotations

from tfx_rollout.control.documents import Supervisor
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.model_store import LeaseWatch, ModelStore
from tfx_rollout.supervisor.presence import INFO_FILE, announced, may_run


class RootPresence:
    """Who serves a root, on this host or, by its lease, on another one. Safe to use from several threads."""

    def __init__(self, store: ModelStore) -> None:
        self._root = store.root
        self._elsewhere = LeaseWatch(store.lease_dir)
        self._announced = ReadCache(most=1)
        self._files = (store.root / INFO_FILE,)

    def supervisor(self) -> Supervisor | None:
        """The supervisor that serves the root; None when none does. Raises `StorageFault`."""
        if may_run(self._root) or self._elsewhere.lives():
            return self._announced.get(INFO_FILE, self._files, self._read)
        return None

    def _read(self) -> Supervisor | None:
        found = announced(self._root)
        if found is None:
            return None
        return Supervisor(
            pid=found.pid, gateway_address=found.gateway_address, api_address=found.api_address, started=found.started
        )
