"""A lease that is lost after so many writes, and how to see that nothing was written since."""

from __future__ import annotations

from pathlib import Path

from tfx_rollout.errors import LostLease


class Guard:
    """Lets so many writes pass, and none after them."""

    def __init__(self, writes: float) -> None:
        self.left, self.asked = writes, 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked > self.left:
            raise LostLease("/srv/models", "process 7 on another host")


def contents(root: Path) -> dict[str, bytes]:
    """Every file below a folder with what is in it, but for locks."""
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != "lock"}
