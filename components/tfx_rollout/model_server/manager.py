"""The versions of all models: what is wanted, what is loaded, and the threads that load and unload.

`transition` decides; this module does. Loads and unloads run in threads of their own,
so a load that fails, waits for its next attempt, or takes long holds up no other model
(in TensorFlow Serving with its default of no load threads it does). Requests read
snapshots that are replaced as a whole and never wait for a lock held during a load.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.model_server.servable import Servable
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.transition import Load, State, Tracked, next_action

_log = logging.getLogger(__name__)

LoadServable = Callable[[str, int, Path], Servable]


@dataclass(frozen=True)
class LoadPolicy:
    """How loads are tried: `retries` after the first attempt, `interval_s` apart (negative: at once), `at_once` together."""

    retries: int = 5
    interval_s: float = 60.0
    at_once: int = 1


@dataclass(frozen=True)
class VersionStatus:
    """What GetModelStatus says of a version. `error` is set where it ended by a failure."""

    state: State
    error: ServingError | None = None


class Lease:
    """A loaded version together with the count of requests it is answering."""

    def __init__(self, servable: Servable) -> None:
        self.servable = servable
        self._running = 0
        self._closed = False
        self._idle = threading.Condition()

    def take(self) -> bool:
        """Counts a request in; False when the version is already leaving."""
        with self._idle:
            if self._closed:
                return False
            self._running += 1
            return True

    def give_back(self) -> None:
        """Counts a request out."""
        with self._idle:
            self._running -= 1
            if self._closed and not self._running:
                self._idle.notify_all()

    def drain(self) -> None:
        """Refuses new requests and waits until the running ones are done."""
        with self._idle:
            self._closed = True
            while self._running:
                self._idle.wait()


class _Version:
    """One version the manager has to do with. Guarded by the manager's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.aspired = True
        self.state = State.START
        self.error: ServingError | None = None
        self.lease: Lease | None = None
        self.dispatched = False


class Manager:
    """Brings the models to what `set_aspired` asks for, and hands out what is AVAILABLE."""

    def __init__(self, load: LoadServable, policy: LoadPolicy) -> None:
        self._load_servable = load
        self._policy = policy
        self._changed = threading.Condition()
        self._models: dict[str, dict[int, _Version]] = {}
        self._history: dict[str, dict[int, VersionStatus]] = {}
        self._available: Mapping[str, Mapping[int, Lease]] = {}
        self._load_slots = threading.Semaphore(policy.at_once)

    # ------------------------------------------------------------------ wishes

    def set_aspired(self, model: str, versions: Mapping[int, Path]) -> None:
        """Makes these the versions of a model that should be AVAILABLE; all others will go."""
        with self._changed:
            tracked = self._models.setdefault(model, {})
            for number, path in versions.items():
                version = tracked.get(number)
                if version is None:
                    tracked[number] = _Version(path)
                    self._publish(model, number, VersionStatus(State.START))
                else:
                    version.aspired = True
            for number in tracked.keys() - versions.keys():
                tracked[number].aspired = False
            self._advance(model)

    # ---------------------------------------------------------------- requests

    @contextmanager
    def use(self, model: str, version: int | None) -> Iterator[Servable]:
        """The servable of a version, the highest AVAILABLE one when None; ServingError NOT_FOUND otherwise.

        While the block runs the version stays loaded.
        """
        lease = self._take(model, version)
        try:
            yield lease.servable
        finally:
            lease.give_back()

    def _take(self, model: str, version: int | None) -> Lease:
        while True:
            leases = self._available.get(model, {})
            number = max(leases, default=None) if version is None else version
            lease = leases.get(number) if number is not None else None
            if lease is None:
                request = f"Latest({model})" if version is None else f"Specific({model}, {version})"
                raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {request}")
            if lease.take():
                return lease
            # It began to leave after the snapshot was read; the next snapshot no longer has it.

    def statuses(self, model: str) -> Mapping[int, VersionStatus]:
        """All versions ever seen of a model, ENDed ones too."""
        with self._changed:
            return dict(self._history.get(model, {}))

    def available(self, model: str) -> Collection[int]:
        """The AVAILABLE versions."""
        return self._available.get(model, {}).keys()

    def wait_until_available(
        self, models: Collection[str], timeout_s: float | None = None
    ) -> Mapping[str, Mapping[int, VersionStatus]]:
        """Waits until each model has an AVAILABLE version or all its versions ended; returns the models that failed.

        A model without any version is waited for too; without a timeout that may be for
        ever. ServingError DEADLINE_EXCEEDED after `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: all(self._settled(model) for model in models), timeout_s):
                raise ServingError(Code.DEADLINE_EXCEEDED, "Models did not become available in time")
            return {m: dict(self._history[m]) for m in models if not self.available(m)}

    def _settled(self, model: str) -> bool:
        wanted = [v for v in self._models.get(model, {}).values() if v.aspired]
        return any(v.state is State.AVAILABLE for v in wanted) or (bool(wanted) and all(v.state is State.END for v in wanted))

    # ------------------------------------------------------------- transitions

    def _advance(self, model: str) -> None:
        """Starts everything that may start now. Called with the lock held after each change."""
        tracked = self._models[model]
        for number in [n for n, v in tracked.items() if not v.aspired and v.state in (State.START, State.END)]:
            version = tracked[number]
            if version.dispatched and version.state is State.START:
                continue  # its thread has yet to notice, and ends it
            if version.state is State.START:
                self._publish(model, number, VersionStatus(State.END))
            del tracked[number]
        while True:
            action = next_action(
                Tracked(n, v.aspired, State.LOADING if v.dispatched and v.state is State.START else v.state)
                for n, v in tracked.items()
            )
            if action is None:
                break
            version = tracked[action.version]
            if isinstance(action, Load):
                version.dispatched = True
                self._start(self._load, model, action.version, version)
            else:
                self._set_state(model, action.version, version, State.UNLOADING)
                self._start(self._unload, model, action.version, version)
        self._changed.notify_all()

    def _start(self, work: Callable[[str, int, _Version], None], model: str, number: int, version: _Version) -> None:
        name = f"{work.__name__.strip('_')} {model} {number}"
        threading.Thread(target=work, args=(model, number, version), name=name, daemon=True).start()

    def _load(self, model: str, number: int, version: _Version) -> None:
        lease: Lease | None = None
        error: ServingError | None = None
        abandoned = False
        for attempt in range(self._policy.retries + 1):
            abandoned = attempt > 0 and not self._wait_before_retry(version)
            if abandoned:
                break
            with self._load_slots:
                with self._changed:
                    abandoned = not version.aspired
                    if abandoned:
                        break
                    self._set_state(model, number, version, State.LOADING)
                try:
                    lease = Lease(self._load_servable(model, number, version.path))
                    error = None
                    break
                except ServingError as failure:
                    error = failure
                except Exception as failure:  # noqa: BLE001 - whatever a model does to the loader must not end the server
                    error = ServingError(Code.INTERNAL, f"{type(failure).__name__}: {failure}")
            _log.error("Loading servable: {name: %s version: %d} failed: %s (attempt %d)", model, number, error, attempt + 1)
        with self._changed:
            version.lease, version.error = lease, error
            self._set_state(model, number, version, State.AVAILABLE if lease else State.END)
            if lease:
                _log.info("Successfully loaded servable version {name: %s version: %d}", model, number)
            if abandoned and version.aspired:  # wanted again after the load was given up
                self._renew(model, number, version)
            self._advance(model)

    def _wait_before_retry(self, version: _Version) -> bool:
        """Waits for the next attempt; False when the version is no longer wanted."""
        with self._changed:
            if self._policy.interval_s > 0:
                self._changed.wait_for(lambda: not version.aspired, self._policy.interval_s)
            return version.aspired

    def _unload(self, model: str, number: int, version: _Version) -> None:
        assert version.lease is not None
        version.lease.drain()
        version.lease.servable.close()
        with self._changed:
            version.lease = None
            version.state = State.END
            self._publish(model, number, VersionStatus(State.END))
            _log.info("Unloaded servable version {name: %s version: %d}", model, number)
            if version.aspired:  # wanted again while it was leaving
                self._renew(model, number, version)
            self._advance(model)

    def _renew(self, model: str, number: int, version: _Version) -> None:
        self._models[model][number] = _Version(version.path)
        self._publish(model, number, VersionStatus(State.START))

    def _set_state(self, model: str, number: int, version: _Version, state: State) -> None:
        """The state and what requests see of it; AVAILABLE is published after, UNLOADING before the fact."""
        version.state = state
        leases = {n: v.lease for n, v in self._models[model].items() if v.state is State.AVAILABLE and v.lease}
        if state is State.AVAILABLE:
            self._available = {**self._available, model: leases}
            self._publish(model, number, VersionStatus(state))
        else:
            self._publish(model, number, VersionStatus(state, version.error if state is State.END else None))
            self._available = {**self._available, model: leases}

    def _publish(self, model: str, number: int, status: VersionStatus) -> None:
        self._history.setdefault(model, {})[number] = status
        self._changed.notify_all()
