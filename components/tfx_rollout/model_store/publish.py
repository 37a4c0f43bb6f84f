"""Publishing: a folder becomes the next version, or the version that it already is.

    read the source ─► clean up ─► adopt ─► the same content is there? ─ yes ─► that version
                                                  │ no
                                                  ▼
                        stage: copy, fsync, read back, compare with the source      (no lock)
                                                  │
                                                  ▼  the base path's lock is held from here
                 claim a number ─► write its manifest ─► rename the folder to it ─► fsync

The rename is the one step that shows: before it there is no trace of the version that a
reader would take for one, after it the version is whole and has its manifest. A process
killed anywhere leaves nothing but a staging folder and a claim for this very content; run
again, it cleans up the one and gets the number of the other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import InvalidModel, RolloutError, StorageFault
from tfx_rollout.model_store.control_file import sync_folder, write_json
from tfx_rollout.model_store.digest import Content, read_content
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.model_store.file_lock import FileLock
from tfx_rollout.model_store.layout import Layout
from tfx_rollout.model_store.manifest import Manifest, read_manifest
from tfx_rollout.model_store.numbers import NumberLedger
from tfx_rollout.model_store.staging import StagedFolder, copy_tree, open_staged, remove_dead
from tfx_rollout.model_store.tree import Tree, is_saved_model, read_tree

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """A version that is there: `created` is false when it already was."""

    version: int
    digest: str
    path: Path
    created: bool


class Publisher:
    """Makes versions of one base path, together with any number of other processes that do."""

    def __init__(self, layout: Layout, lock: FileLock, ledger: NumberLedger) -> None:
        self._layout = layout
        self._lock = lock
        self._ledger = ledger

    def publish(self, source: Path, provenance: Mapping[str, str]) -> Published:
        """See `BasePath.publish`."""
        tree = read_tree(source)
        if not is_saved_model(source):
            raise InvalidModel(
                str(source),
                "is no SavedModel: it has no saved_model.pb or saved_model.pbtxt with something in it",
                "give the folder that the trainer's export wrote",
            )
        content = read_content(source, tree)
        self._layout.create()
        with self._lock.held():
            remove_dead(self._layout.staging)
        self._adopt()
        damaged: set[int] = set()
        for manifest in self._same_content(content.digest):
            if self._is_whole(manifest):
                return self._published(manifest, created=False)
            _log.warning("Version %d in %s is not what its manifest says; it is left alone.", manifest.version, self._layout.base)
            damaged.add(manifest.version)
        with self._lock.held():
            staged = open_staged(self._layout.staging)
        with staged:
            self._stage(source, tree, content, staged)
            return self._show(staged, content, source, provenance, damaged)

    def adopt(self) -> list[Manifest]:
        """See `BasePath.adopt`."""
        self._layout.create()
        return self._adopt()[0]

    def _stage(self, source: Path, tree: Tree, content: Content, staged: StagedFolder) -> None:
        copy_tree(source, tree, staged.model, self._layout.base)
        if read_content(staged.model).digest != content.digest:
            raise StorageFault(str(source), "changed while it was copied", "let its writer finish, then push again")

    def _show(
        self, staged: StagedFolder, content: Content, source: Path, provenance: Mapping[str, str], damaged: set[int]
    ) -> Published:
        """Gives the staged model its number, unless another process has published the same meanwhile."""
        layout = self._layout
        while True:
            # Outside the lock, since reading a large version takes its time.
            refused = self._adopt()[1]
            with self._lock.held():
                if self._without_manifest() - refused:
                    continue
                for manifest in self._same_content(content.digest):
                    if manifest.version not in damaged:
                        return self._published(manifest, created=False)
                version = self._ledger.claim(content.digest)
                manifest = Manifest(
                    version=version,
                    digest=content.digest,
                    files=content.files,
                    source=str(source.absolute()),
                    published_at=time.time(),
                    provenance=dict(provenance),
                )
                write_json(layout.manifest(version), manifest.to_json())
                with storage_faults(layout.base, "written"):
                    try:
                        staged.model.rename(layout.base / str(version))
                    except OSError:
                        layout.manifest(version).unlink()
                        raise
                    sync_folder(layout.base)
                return self._published(manifest, created=True)

    def _adopt(self) -> tuple[list[Manifest], set[int]]:
        """Manifests for the versions without one; and the versions that cannot be given one (now)."""
        adopted = []
        refused = set()
        for version in sorted(self._without_manifest()):
            try:
                manifest = self._describe(version)
            except RolloutError as fault:
                _log.warning("Version %d in %s cannot be adopted: %s", version, self._layout.base, fault)
                refused.add(version)
                continue
            with self._lock.held():
                if version in self._without_manifest():
                    write_json(self._layout.manifest(version), manifest.to_json())
                    adopted.append(manifest)
        return adopted, refused

    def _describe(self, version: int) -> Manifest:
        """The manifest of a version as it lies there. Raises when it cannot be read or is still being written."""
        folder = self._layout.versions().get(version)
        if folder is None:
            raise StorageFault(str(self._layout.base / str(version)), "went away", "see who removes it")
        tree = read_tree(folder)
        content = read_content(folder, tree)
        if read_tree(folder) != tree:
            raise StorageFault(str(folder), "changed while it was read", "let its writer finish, then try again")
        return Manifest(
            version=version,
            digest=content.digest,
            files=content.files,
            source=str(folder.absolute()),
            published_at=time.time(),
            adopted=True,
        )

    def _without_manifest(self) -> set[int]:
        return set(self._layout.versions()) - self._layout.manifest_numbers()

    def _same_content(self, digest: str) -> list[Manifest]:
        """The versions with this content by their manifests, newest first."""
        layout = self._layout
        there = set(layout.versions()) & layout.manifest_numbers()
        manifests = (read_manifest(layout.manifest(version)) for version in sorted(there, reverse=True))
        return [manifest for manifest in manifests if manifest is not None and manifest.digest == digest]

    def _is_whole(self, manifest: Manifest) -> bool:
        """Whether the version's folder holds what its manifest says."""
        try:
            return read_content(self._layout.versions()[manifest.version]).digest == manifest.digest
        except (RolloutError, KeyError):
            return False

    def _published(self, manifest: Manifest, created: bool) -> Published:
        path = self._layout.versions()[manifest.version]
        return Published(manifest.version, manifest.digest, path, created)
