"""What lies in folders, read again only where a folder's own date says that something came or went."""

from __future__ import annotations

import os

from tfx_rollout.model_store.file_stamp import FileStamp

MOST_FOLDERS = 4096
"""Of so many folders it is kept what lies in them, and of no more."""


class Listings:
    """Lists folders, as text and without what is hidden. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[FileStamp, tuple[str, ...]]] = {}

    def of(self, folder: str) -> tuple[str, ...]:
        """The paths of what lies in a folder, by name; none where it cannot be read."""
        try:
            # Looked at before it is listed: what comes meanwhile shows the next time.
            stamp = FileStamp.of(folder)
            kept = self._kept.get(folder)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            settled = stamp.settled
            with os.scandir(folder) as entries:
                found = tuple(sorted(entry.path for entry in entries if not entry.name.startswith(".")))
        except OSError:
            return ()
        if settled:
            if len(self._kept) >= MOST_FOLDERS:
                self._kept.clear()
            self._kept[folder] = (stamp, found)
        return found
