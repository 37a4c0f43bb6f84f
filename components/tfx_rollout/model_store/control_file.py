"""Small files that survive a crash at any instant: JSON documents and JSON lines.

A document is replaced whole (temporary file in the same folder, fsync, rename,
fsync of the folder): a reader sees the old or the new one, never a part. A line is
appended and synced; a line that a crash tore is ignored by readers and removed by
the next append.

Each file has one writer at a time; seeing to that (a lock, a lease) is the caller's
part. If two writers of one document meet all the same, the document stays whole and
one of them gets a `StorageFault`.

`Infinity` and `NaN` are written and read as Python's json module does it.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState
from tfx_rollout.model_store.faults import storage_faults

_TAIL = 4096


def sync_folder(folder: Path) -> None:
    """Makes names created, renamed or removed in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Makes a folder and its parents durably; an existing one is left as it is. Raises `StorageFault`."""
    with storage_faults(folder, "made"):
        missing = []
        step = folder
        while not step.exists() and step != step.parent:
            missing.append(step)
            step = step.parent
        for step in reversed(missing):
            step.mkdir(exist_ok=True)
            sync_folder(step.parent)
        # Says what is wrong with a file (or a dangling link) of that name.
        folder.mkdir(exist_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The document, or `None` when there is none. `CorruptState` when it is no JSON object."""
    with storage_faults(path, "read"):
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptState(str(path), f"it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CorruptState(str(path), "it is JSON but no object")
    return data


def write_json(path: Path, data: Mapping[str, Any], *, mode: int = 0o666) -> None:
    """Replaces the document atomically and durably. The folder must exist. Raises `StorageFault`."""
    write_text(path, json.dumps(data, indent=1) + "\n", mode=mode)


def write_text(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Replaces a text file atomically and durably. The folder must exist. Raises `StorageFault`.

    `mode`: the new file's permissions from its first moment, less what the process masks.
    """
    with storage_faults(path, "written"):
        _remove_leftovers(path)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            with open(temporary, "xb", opener=partial(os.open, mode=mode)) as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def remove_file(path: Path) -> None:
    """Removes a document, if it is there, and what killed writers of it left. Raises `StorageFault`."""
    with storage_faults(path, "removed"):
        _remove_leftovers(path)
        path.unlink(missing_ok=True)


def append_line(path: Path, data: Mapping[str, Any]) -> None:
    """Appends one JSON object as a line, durably; makes the file. Raises `StorageFault`, and then nothing was added."""
    append_lines(path, [data])


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Appends JSON objects as lines, durably; makes the file. Raises `StorageFault`, and then nothing was added.

    A crash in the middle may leave the first of them.
    """
    lines = b"".join(json.dumps(data, separators=(",", ":")).encode() + b"\n" for data in rows)
    with storage_faults(path, "written"):
        new = not path.exists()
        with path.open("ab+", buffering=0) as file:
            end = _end_of_whole_lines(file.fileno())
            os.ftruncate(file.fileno(), end)
            try:
                written = file.write(lines)
                while written < len(lines):
                    written += file.write(lines[written:])
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), end)
                raise
        if new:
            sync_folder(path.parent)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole lines, oldest first; a torn last line is ignored, and a missing file has none.

    `CorruptState` when a line before the last is no JSON object.
    """
    with storage_faults(path, "read"):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
    lines = []
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorruptState(str(path), f"line {number} is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise CorruptState(str(path), f"line {number} is JSON but no object")
        lines.append(data)
    return lines


def _remove_leftovers(path: Path) -> None:
    """Temporary files that killed writers of this document left."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)


def _end_of_whole_lines(descriptor: int) -> int:
    """Offset behind the last newline: where a torn line, if any, begins."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _TAIL)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
