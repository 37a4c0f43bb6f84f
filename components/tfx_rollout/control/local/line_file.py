"""A file of JSON lines that grows, read on from where the last look ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState
from tfx_rollout.model_store import storage_faults


class LineFile:
    """Every whole line once. A line that is still being written, or was torn by a crash, is left for the next look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """The lines written since the last call. Raises `CorruptState` and `StorageFault`."""
        with storage_faults(self._path, "read"):
            try:
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    content = file.read()
            except FileNotFoundError:
                return
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            try:
                data = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorruptState(str(self._path), f"a line is not JSON: {error}") from error
            yield data
