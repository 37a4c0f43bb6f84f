"""The files of a model folder, and what may be among them.

- Links are followed, to files and to folders: a version must not depend on anything
  outside itself. A link to nothing, and a link that leads back to one of its own
  parents, is refused.
- Sockets, pipes and devices are refused; they are never opened.
- Empty folders are copied, but are no content: object stores do not keep them.
- Modes, owners and times are no content and are not kept: a server under another user
  must be able to read what a trainer wrote with a private umask.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import InvalidModel
from tfx_rollout.model_store.faults import storage_fault

CHUNK = 1 << 18
"""Bytes read at once."""

SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
"""One of these, not empty, at its top makes a folder a SavedModel."""


@dataclass(frozen=True)
class TreeFile:
    """One file: path relative to the folder with `/` between, size in bytes, time of change in ns."""

    path: str
    size: int
    changed_ns: int


@dataclass(frozen=True)
class Tree:
    """All files and folders below a folder; both sorted by the bytes of their relative paths."""

    files: tuple[TreeFile, ...]
    folders: tuple[str, ...]


def is_saved_model(folder: Path) -> bool:
    """Whether the folder has a SavedModel's graph file, with something in it."""
    for name in SAVED_MODEL_FILES:
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size > 0:
            return True
    return False


def read_tree(folder: Path) -> Tree:
    """Walks a model folder.

    Raises `InvalidModel` for what a version cannot hold or a folder that is none, and
    `StorageFault` for what cannot be read.
    """
    files: list[TreeFile] = []
    folders: list[str] = []
    try:
        status = folder.stat()
    except FileNotFoundError as error:
        raise InvalidModel(str(folder), "is not there", "give the folder of a SavedModel") from error
    except OSError as error:
        raise storage_fault(error, folder, "read") from error
    if not stat.S_ISDIR(status.st_mode):
        raise InvalidModel(str(folder), "is not a folder", "give the folder that has saved_model.pb in it")
    for path, found in _walk(folder, "", ((status.st_dev, status.st_ino),)):
        if stat.S_ISDIR(found.st_mode):
            folders.append(path)
        else:
            files.append(TreeFile(path, found.st_size, found.st_mtime_ns))
    return Tree(tuple(sorted(files, key=lambda f: os.fsencode(f.path))), tuple(sorted(folders, key=os.fsencode)))


def read_chunks(path: Path) -> Iterator[bytes]:
    """The file's content, piece by piece. Raises `StorageFault` when it cannot be read."""
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise storage_fault(error, path, "read") from error


def _walk(top: Path, below: str, parents: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, os.stat_result]]:
    here = top / below
    try:
        names = [entry.name for entry in here.iterdir()]
    except OSError as error:
        raise storage_fault(error, here, "read") from error
    for name in names:
        path = f"{below}/{name}" if below else name
        try:
            status = (top / path).stat()
        except OSError as error:
            if (top / path).is_symlink():
                raise InvalidModel(
                    str(top), f"has a link that leads nowhere: {path}", "replace it by the file it means"
                ) from error
            raise storage_fault(error, top / path, "read") from error
        identity = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            if identity in parents:
                raise InvalidModel(str(top), f"has a link that leads back to its own parent: {path}", "remove that link")
            yield path, status
            yield from _walk(top, path, (*parents, identity))
        elif stat.S_ISREG(status.st_mode):
            yield path, status
        else:
            raise InvalidModel(str(top), f"has a pipe, socket or device: {path}", "remove it; a model has only files and folders")
