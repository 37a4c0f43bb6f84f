"""The content digest: the identity of a model, wherever its folder lies.

The digest is the SHA-256 over one record a file, `path NUL size NUL sha256-of-the-content LF`,
sorted by the bytes of the relative paths. It says nothing of modes, times, links or
empty folders (see `tree`). Two folders with one digest are the same model.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store.tree import Tree, read_chunks, read_tree


@dataclass(frozen=True)
class FileDigest:
    """One file of a model: relative path, size in bytes, SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "size": self.size, "sha256": self.sha256}


@dataclass(frozen=True)
class Content:
    """What a model folder holds: its digest (`sha256:…`) and the files that make it."""

    digest: str
    files: tuple[FileDigest, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def content_digest(folder: Path) -> str:
    """The content digest of a model folder. Raises `InvalidModel` and `StorageFault` as `read_tree` does."""
    return read_content(folder).digest


def read_content(folder: Path, tree: Tree | None = None) -> Content:
    """Reads every file of a model folder.

    Raises as `read_tree`, and `StorageFault` when a file changes its size meanwhile.
    """
    tree = tree or read_tree(folder)
    files = []
    for file in tree.files:
        size, sha256 = _digest_file(folder / file.path)
        if size != file.size:
            raise StorageFault(str(folder / file.path), "changed while it was read", "let its writer finish, then try again")
        files.append(FileDigest(file.path, size, sha256))
    return Content(digest_of(files), tuple(files))


def digest_of(files: Iterable[FileDigest]) -> str:
    """The content digest of these files."""
    whole = hashlib.sha256()
    for file in sorted(files, key=lambda f: os.fsencode(f.path)):
        whole.update(b"%b\0%d\0%b\n" % (os.fsencode(file.path), file.size, file.sha256.encode()))
    return f"sha256:{whole.hexdigest()}"


def _digest_file(path: Path) -> tuple[int, str]:
    """Size and SHA-256 of what can be read from the file."""
    sha256 = hashlib.sha256()
    size = 0
    for chunk in read_chunks(path):
        sha256.update(chunk)
        size += len(chunk)
    return size, sha256.hexdigest()
