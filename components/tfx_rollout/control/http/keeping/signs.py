"""Whether anything of a model changed, from the dates of its files: far cheaper than reading them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tfx_rollout.model_store import BasePath
from tfx_rollout.model_store.file_stamp import FileStamp
from tfx_rollout.model_store.layout import LOCK

NEWEST = 4
"""So many of the newest rollouts and A/B tests are looked into; older ones have ended."""

_Stamps = tuple[tuple[str, FileStamp | None], ...]


@dataclass(frozen=True)
class Sign:
    """Equal to another one where what it stands for is the same."""

    of: object
    settled: bool = field(default=True, compare=False)
    """Whether the next change is sure to show. What was made of the files before that must not be kept."""


def sign_of(base: BasePath, *folders: Path) -> Sign:
    """Differs from the sign before when a version came or went, or a control file was written. `folders` are further ones."""
    control = base.control
    records = [folder for kind in ("rollouts", "experiments") for folder in _newest_in(control / kind)]
    stamps = (
        (base.name, _stamp(base.path)),
        *(stamp for folder in (control, *records, *folders) for stamp in _stamps_in(folder)),
    )
    return Sign(stamps, all(stamp is None or stamp.settled for _, stamp in stamps))


def _stamps_in(folder: Path) -> _Stamps:
    try:
        with os.scandir(folder) as entries:
            told = [entry for entry in entries if entry.name != LOCK and not entry.name.startswith(".")]
            return tuple(sorted((entry.path, _stamp(entry)) for entry in told))
    except OSError:
        return ()


def _newest_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError:
        return []
    return [folder / name for name in names[-NEWEST:]]


def _stamp(file: Path | os.DirEntry[str]) -> FileStamp | None:
    try:
        return FileStamp.of(file)
    except OSError:
        return None
