"""A watched folder: whoever has labels puts a file there, and it is taken in as feedback.

    <base>/.rollout/inbox/labels.jsonl            to be taken in
    <base>/.rollout/inbox/done/labels.jsonl       was taken in
    <base>/.rollout/inbox/refused/labels.jsonl    was not; labels.jsonl.reason says why

A file has to be whole: write it beside the folder or under another ending, and rename it. One
that was written to within `SETTLED_S` is left for the next time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence.feedback import KEEP_S, append_feedback
from tfx_rollout.model_store import BasePath, storage_faults, write_text

SETTLED_S = 1.0


def inbox(base: BasePath) -> Path:
    """The watched folder of a model. It need not be there."""
    return base.control / "inbox"


def take_in(base: BasePath, *, now: Callable[[], float] = time.time) -> Iterator[str]:
    """Takes the files in that are there; a sentence about each.

    A file that was taken in but not moved, since the process died between, is taken in again,
    which changes nothing. Raises `StorageFault` and `Busy`; then it is tried again next time.
    """
    folder = inbox(base)
    with storage_faults(folder, "read"):
        waiting = [path for path in sorted(folder.glob("*.jsonl")) if not 0 <= now() - path.stat().st_mtime < SETTLED_S]
    for path in waiting:
        try:
            with storage_faults(path, "read"), path.open(encoding="utf-8", errors="replace") as lines:
                taken = append_feedback(base, lines, now=now)
        except InvalidInput as error:
            moved = _move(path, folder / "refused")
            write_text(moved.with_name(f"{moved.name}.reason"), f"{error}\n")
            yield f"{path.name} was refused: {error}"
        else:
            _move(path, folder / "done")
            yield f"{path.name} was taken in: {taken.new} new, {taken.known} known"
    if waiting:
        _thin_out(folder / "done", now() - KEEP_S)


def _move(path: Path, folder: Path) -> Path:
    """Moves a file, under another name where there is one of its name."""
    with storage_faults(folder, "written"):
        folder.mkdir(exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            target, number = folder / f"{path.stem}.{number}{path.suffix}", number + 1
        return path.rename(target)


def _thin_out(folder: Path, before: float) -> None:
    with storage_faults(folder, "written"):
        for path in folder.glob("*.jsonl"):
            if path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
