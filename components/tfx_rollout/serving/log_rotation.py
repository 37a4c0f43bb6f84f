"""Keeping the log of a running server within bounds, though the server never opens it anew.

Model servers, the gateway and the API write to a descriptor that they have from their start, in append mode. So a log
is copied aside and emptied, as logrotate's `copytruncate` does it: what is written between
the last byte copied and the emptying (microseconds) is lost, and no server is ever disturbed.

    m.log    m.log.1 (newest)    m.log.2    m.log.3
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tfx_rollout.model_store.faults import storage_faults

LOG_BYTES = 64 * 1024 * 1024
"""A larger log is put aside."""
KEPT = 3
"""How many logs that were put aside are kept."""


def rotate_log(log_file: Path, *, over_bytes: int = LOG_BYTES, kept: int = KEPT) -> bool:
    """Puts a log that is larger than `over_bytes` aside; whether it did. There need be no log.

    Killed on the way it loses nothing. Raises `StorageFault`, and then has emptied nothing.
    """
    with storage_faults(log_file, "put aside"):
        if not log_file.exists() or log_file.stat().st_size <= over_bytes:
            return False
        for number in range(kept - 1, 0, -1):
            if (old := _aside(log_file, number)).exists():
                old.replace(_aside(log_file, number + 1))
        newest = _aside(log_file, 1)
        draft = newest.with_suffix(".draft")
        try:
            with log_file.open("r+b") as log, draft.open("wb") as copy:
                shutil.copyfileobj(log, copy, 1024 * 1024)
                copy.flush()
                draft.replace(newest)
                # What came meanwhile.
                shutil.copyfileobj(log, copy)
                copy.flush()
                log.truncate(0)
        finally:
            draft.unlink(missing_ok=True)
    return True


def _aside(log_file: Path, number: int) -> Path:
    return log_file.with_name(f"{log_file.name}.{number}")
