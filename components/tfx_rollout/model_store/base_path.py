"""One model's base path: its versions, and the control files that say what serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tfx_rollout.errors import Conflict, CorruptState, InvalidState, NotFound, RolloutError, StaleGeneration
from tfx_rollout.model_store.control_file import read_json, write_json
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.model_store.file_lock import FileLock
from tfx_rollout.model_store.history import read_history, record_applied, record_desired, record_removed
from tfx_rollout.model_store.layout import Layout
from tfx_rollout.model_store.lease import Guard, unguarded
from tfx_rollout.model_store.manifest import Manifest, read_manifest
from tfx_rollout.model_store.numbers import NumberLedger
from tfx_rollout.model_store.publish import Published, Publisher
from tfx_rollout.model_store.staging import discard, remove_dead
from tfx_rollout.traffic import DesiredState, ObservedState, VersionState

if TYPE_CHECKING:
    from tfx_rollout.model_store.store import ModelStore

T = TypeVar("T")


class BasePath:
    """One model's base path, `<root>/<model>`. Safe to use from several threads and processes.

    Reading takes no lock and makes nothing. Every method raises `StorageFault` when the
    disk refuses (then nothing half done is visible) and `CorruptState` when a control
    file is not what it must be; methods that change something raise `Busy` when another
    process holds the lock for more than 10 s.
    """

    def __init__(self, store: ModelStore, name: str) -> None:
        self.store = store
        self.name = name
        self.path = store.root / name
        self.control = self.path / ".rollout"
        self._layout = Layout(self.path)
        self._lock = FileLock(self._layout.lock, f"changes to model {name!r}")
        self._ledger = NumberLedger(self._layout, self._numbers_named, self._numbers_in_history)
        self._publisher = Publisher(self._layout, self._lock, self._ledger)

    def __repr__(self) -> str:
        return f"BasePath({str(self.path)!r})"

    def exists(self) -> bool:
        """Whether there is such a model: control files, or a numbered entry. Raises `StorageFault`."""
        with storage_faults(self.path, "read"):
            return self.path.is_dir() and (self.control.is_dir() or bool(self._layout.numbered()))

    def create(self) -> None:
        """Makes the base path and its control folders; checks that it can be written."""
        self._layout.create()
        with self._lock.held():
            return

    def lock(self, *, timeout: float = 10) -> AbstractContextManager[None]:
        """The lock between processes under which every change is made; reentrant within a thread.

        Raises `Busy`, naming the holder, when it cannot be had within `timeout` seconds.
        """
        self._layout.create()
        return self._lock.held(timeout)

    # Versions

    def versions(self) -> list[int]:
        """The versions that are there, oldest first: numbered folders with a SavedModel in them."""
        return list(self._layout.versions())

    def version_path(self, version: int) -> Path:
        """The version's folder. Raises `NotFound`."""
        versions = self._layout.versions()
        if version not in versions:
            raise NotFound("version", version, f"the base path {self.path}", list(versions))
        return versions[version]

    def manifest(self, version: int) -> Manifest | None:
        """The version's manifest; `None` when it is not there, or was not adopted yet."""
        if version not in self._layout.versions():
            return None
        return read_manifest(self._layout.manifest(version))

    def publish(self, source: Path, *, provenance: Mapping[str, str] | None = None) -> Published:
        """Makes the SavedModel in `source` a version, atomically; moves no traffic.

        Content that is a version already gives that version again, whole and checked. A
        new one gets a number above all that were ever used. What dead processes left is
        removed first, and versions without a manifest are adopted.

        Raises `InvalidModel` when the source is no SavedModel or cannot be a version (see
        `tree`): nothing is changed then.
        """
        return self._publisher.publish(Path(source), provenance or {})

    def adopt(self) -> list[Manifest]:
        """Gives a manifest to each version that another pusher left; returns the new ones.

        A version that cannot be read whole, or is being written, is logged and left for
        the next time. Publishing adopts by itself.
        """
        return self._publisher.adopt()

    def remove_version(self, version: int) -> None:
        """Removes a version for good; its number is never used again.

        Raises `NotFound`, and `Conflict` when the desired or the observed state names it.
        """
        self.version_path(version)
        with self.lock():
            folder = self.version_path(version)
            self._refuse_removal(version, self.desired(), self.observed())
            self._ledger.retire(version)
            manifest = read_manifest(self._layout.manifest(version))
            with storage_faults(self.path, "written"):
                discard(folder, self._layout.staging)
                self._layout.manifest(version).unlink(missing_ok=True)
            remove_dead(self._layout.staging)
            record_removed(self._layout.history, version, manifest.digest if manifest else None)

    # Control files

    def desired(self) -> DesiredState:
        """What should be; generation 0 when nothing was asked for yet."""
        data = read_json(self._layout.desired)
        return DesiredState(self.name) if data is None else _parsed(self._layout.desired, DesiredState.from_json, data)

    def desired_at(self, generation: int) -> DesiredState | None:
        """What should have been at this generation, by the history; None where that does not know it."""
        if generation == 0:
            return DesiredState(self.name)
        asked = (event for event in self.history() if event["event"] == "desired" and event["generation"] == generation)
        found = next(asked, None)
        return None if found is None else _parsed(self._layout.history, DesiredState.from_json, found)

    def write_desired(self, state: DesiredState, *, expected: int, guard: Guard = unguarded) -> DesiredState:
        """Compare-and-set: writes the state if the current generation is still `expected`.

        Returns it with its generation, `expected + 1`, whatever generation it came with.
        Raises `StaleGeneration` when another change came first, `NotFound` when it adds a
        version that is not there, `InvalidState` when it is about another model, and what
        `guard` (the check of a lease) raises, which is asked first and again under the lock.
        """
        guard()
        if state.model != self.name:
            raise InvalidState(self.name, f"it is about model {state.model!r}")
        with self.lock():
            current = self.desired()
            if current.generation != expected:
                raise StaleGeneration(self.name, expected, current.generation)
            # Those it only keeps are not asked for: a state must be able to move traffic away from a loss.
            for version in set(state.versions) - set(current.versions):
                self.version_path(version)
            # Who waited for the lock may have slept through a takeover.
            guard()
            record_desired(self._layout.history, self._layout.desired, current)
            written = state.change(generation=expected + 1)
            write_json(self._layout.desired, written.to_json())
            record_desired(self._layout.history, self._layout.desired, written)
            return written

    def observed(self) -> ObservedState | None:
        """What the supervisor last saw; `None` before the first time."""
        data = read_json(self._layout.observed)
        return None if data is None else _parsed(self._layout.observed, ObservedState.from_json, data)

    def write_observed(self, state: ObservedState, *, guard: Guard = unguarded) -> None:
        """Replaces the observed state. Its one writer is the supervisor that holds the lease (`guard`), so no lock is taken."""
        guard()
        if state.model != self.name:
            raise InvalidState(self.name, f"it was observed of model {state.model!r}")
        self._layout.create()
        before = self.observed()
        if state.generation > (before.generation if before else 0):
            with self.lock():
                guard()
                record_applied(self._layout.history, state.generation)
        guard()
        write_json(self._layout.observed, state.to_json())

    def history(self) -> list[dict[str, Any]]:
        """The events `desired`, `applied` and `removed`, oldest first; see `history`."""
        return read_history(self._layout.history, self._layout.desired, self.desired())

    def _numbers_named(self) -> set[int]:
        named = set(self.desired().versions)
        observed = self.observed()
        for server in observed.servers if observed else ():
            named.update(server.configured_versions, server.versions)
        return named

    def _numbers_in_history(self) -> set[int]:
        return {version for event in self.history() for version in event.get("versions", [event.get("version", 0)])}

    def _refuse_removal(self, version: int, desired: DesiredState, observed: ObservedState | None) -> None:
        uses = [f"label {label} of the desired state" for label, v in desired.labels.items() if v == version]
        uses += [f"alias {alias}" for alias, v in desired.aliases.items() if v == version]
        uses += ["a pin"] if version in desired.pinned else []
        if version in desired.versions and not uses:
            uses.append("the desired state")
        for server in observed.servers if observed else ():
            loaded = server.versions.get(version, VersionState.END) is not VersionState.END
            if loaded or version in server.configured_versions or version in server.labels.values():
                uses.append(f"model server {server.name}")
        if uses:
            unpin = "unpin it, " if version in desired.pinned else ""
            raise Conflict(
                f"Version {version} of model {self.name!r} is in use ({', '.join(uses)}) and was not removed; "
                f"{unpin}take it out of the desired state and let that be applied first."
            )


def _parsed(path: Path, parse: Callable[[Mapping[str, Any]], T], data: Mapping[str, Any]) -> T:
    try:
        return parse(data)
    except (KeyError, TypeError, ValueError, AttributeError, RolloutError) as error:
        raise CorruptState(str(path), f"it is not what this version of the program wrote: {error!r}") from error
