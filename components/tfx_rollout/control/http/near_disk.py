"""Whether files lie on a disk of this machine: there a look at their dates takes microseconds, and cannot hang."""

from __future__ import annotations

import re
from pathlib import Path

NEAR = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"})
"""File systems without a network behind them."""
_MOUNTS = Path("/proc/self/mountinfo")
_OCTAL = re.compile(r"\\([0-7]{3})")


def lies_near(folder: Path) -> bool:
    """Whether the folder lies on a disk of this machine; no where that cannot be told."""
    try:
        return file_system_of(folder.resolve(), _MOUNTS.read_text()) in NEAR
    except OSError:
        return False


def file_system_of(folder: Path, mounts: str) -> str | None:
    """The kind of file system that an absolute path lies on, by a table of mounts as Linux has it (proc(5), mountinfo). Pure."""
    kind, longest = None, -1
    for line in mounts.splitlines():
        before, separator, after = line.partition(" - ")
        words = before.split(" ")
        if not separator or len(words) < 5:
            continue
        point = Path(_OCTAL.sub(lambda found: chr(int(found[1], 8)), words[4]))
        # Of mounts at one point the last one counts: it lies over the others.
        if (folder == point or point in folder.parents) and len(point.parts) >= longest:
            kind, longest = after.split(" ")[0], len(point.parts)
    return kind
