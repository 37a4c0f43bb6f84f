"""Whether anything of a model changed, from the dates of its files: far cheaper than reading them."""

from __future__ import annotations

import os
from pathlib import Path

from tfx_rollout.model_store import BasePath

NEWEST = 4
"""So many of the newest rollouts and A/B tests are looked into; older ones have ended."""

Sign = tuple[object, ...]


def sign_of(base: BasePath) -> Sign:
    """Differs from the sign before when a version came or went, or a control file was written."""
    control = base.control
    return (
        _date(base.path),
        _dates_in(control),
        *(_dates_in(folder) for kind in ("rollouts", "experiments") for folder in _newest_in(control / kind)),
    )


def _dates_in(folder: Path) -> Sign:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((entry.name, _date(entry)) for entry in entries if not entry.name.startswith(".")))
    except OSError:
        return ()


def _newest_in(folder: Path) -> list[Path]:
    try:
        folders = sorted(folder.iterdir())
    except OSError:
        return []
    return folders[-NEWEST:]


def _date(file: Path | os.DirEntry[str]) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
