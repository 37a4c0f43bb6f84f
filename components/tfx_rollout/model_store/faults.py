"""What the operating system refuses, said in one sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfx_rollout.errors import StorageFault

_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "free some space there and try again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space there and try again"),
    errno.EFBIG: ("a file would be larger than allowed", "raise the file size limit (ulimit -f) and try again"),
    errno.EROFS: ("the file system is mounted read-only", "mount it read-write or choose another folder"),
    errno.EACCES: ("permission denied", "give this user the right to it or choose another folder"),
    errno.EPERM: ("the operation is not permitted", "give this user the right to it or choose another folder"),
    errno.ENOTDIR: ("a file is where a folder should be", "move that file away or choose another folder"),
    errno.EEXIST: ("something else is in the way", "move it away or choose another folder"),
    errno.EISDIR: ("a folder is where a file should be", "move that folder away"),
    errno.ENOENT: ("it is not there", "see that the folder exists and nothing else removes it"),
    errno.ESTALE: ("the network file system lost it", "mount it again and retry"),
}


def storage_fault(error: OSError, path: Path, deed: str) -> StorageFault:
    """The sentence for one refusal; `deed` is a participle: "read", "written", "made"."""
    known = _REASONS.get(error.errno or 0)
    reason, mend = known or ((error.strerror or str(error)).lower(), "see that the disk is sound and the folder can be used")
    return StorageFault(str(path), f"cannot be {deed} ({reason})", mend)


@contextmanager
def storage_faults(path: Path, deed: str) -> Iterator[None]:
    """Turns every `OSError` of the block into a `StorageFault` about `path`."""
    try:
        yield
    except OSError as error:
        raise storage_fault(error, path, deed) from error
