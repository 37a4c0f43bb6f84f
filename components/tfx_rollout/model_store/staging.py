"""Pushes in flight: each in a folder of its own, held by a lock that dies with its process.

A folder whose lock nobody holds was left by a process that is dead; whoever opens the
next one removes it. Making a folder and taking its lock, and looking for dead ones, both
happen while the base path's lock is held, so that no folder is seen between the two.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
from pathlib import Path
from types import TracebackType

from tfx_rollout.model_store.control_file import sync_folder
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.model_store.tree import Tree, read_chunks

_log = logging.getLogger(__name__)

_OWNER = "owner"


class StagedFolder:
    """One folder under `.staging`, ours until it is closed; closing removes it with what is in it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @property
    def model(self) -> Path:
        """Where the model is put together."""
        return self.path / "model"

    def close(self) -> None:
        _remove(self.path)
        os.close(self._descriptor)

    def __enter__(self) -> StagedFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_staged(staging: Path) -> StagedFolder:
    """A new folder, locked by this process. The caller holds the base path's lock."""
    with storage_faults(staging, "written"):
        path = staging / secrets.token_hex(8)
        path.mkdir()
        descriptor = os.open(path / _OWNER, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return StagedFolder(path, descriptor)


def discard(folder: Path, staging: Path) -> None:
    """Takes a version's folder out of sight, durably and in one step; `remove_dead` then removes it."""
    rubbish = staging / secrets.token_hex(8)
    folder.rename(rubbish)
    sync_folder(folder.parent)


def remove_dead(staging: Path) -> None:
    """Removes what dead processes left. The caller holds the base path's lock."""
    with storage_faults(staging, "written"):
        for path in sorted(staging.iterdir()):
            # An adopted version may be a link to a folder elsewhere, which is not ours to empty.
            if path.is_symlink():
                path.unlink()
            elif path.is_dir() and not _owner_lives(path):
                _remove(path)


def copy_tree(source: Path, tree: Tree, target: Path, base: Path) -> None:
    """Copies a model's files and folders to a new folder and makes them durable.

    A fault of the source names its file; a fault of the target names the base path,
    since the staged file will be gone when the sentence is read.
    """
    with storage_faults(base, "written"):
        target.mkdir()
        for folder in tree.folders:
            (target / folder).mkdir()
        for file in tree.files:
            with (target / file.path).open("xb", buffering=0) as writer:
                for chunk in read_chunks(source / file.path):
                    view = memoryview(chunk)
                    while view:
                        view = view[writer.write(view) :]
                os.fsync(writer.fileno())
        for folder in reversed(tree.folders):
            sync_folder(target / folder)
        sync_folder(target)
        sync_folder(target.parent)


def _remove(path: Path) -> None:
    # Errors are passed over, since the owner of a folder that has lost its lock file may be
    # removing it right now. What stays behind has no owner, so the next push tries again.
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        _log.warning("The leftover %s could not be removed; the next push tries again.", path)


def _owner_lives(path: Path) -> bool:
    try:
        descriptor = os.open(path / _OWNER, os.O_RDWR)
    except FileNotFoundError:
        # Its owner died while making it, or while removing it.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
