"""The two discovery files: written whole by rename, the only change that Envoy's watches see."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tfx_rollout.errors import StorageFault
from tfx_rollout.gateway.render import Discovery


class DiscoveryFile:
    """One file in a folder of its own, which Envoy watches for moves."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: Discovery | None = None

    def write(self, content: Discovery) -> None:
        """Replaces the file. `StorageFault` when the disk refuses; the old content then stays."""
        draft = self.path.with_name(f".{self.path.name}.draft")
        try:
            # The draft lies outside of the watched folder's sight only by its name: the rename is what counts.
            with draft.open("w", encoding="utf-8") as file:
                file.write(content.text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise StorageFault(
                str(self.path), f"cannot be written ({error.strerror})", "free space or mend the folder's rights"
            ) from error
        self.written = content

    def resources(self) -> list[dict[str, Any]]:
        """What was written last."""
        return [] if self.written is None else list(json.loads(self.written.text)["resources"])

    def read(self) -> None:
        """Recovers what another program wrote last; nothing where there is no file, or none of ours."""
        try:
            text = self.path.read_text(encoding="utf-8")
            self.written = Discovery(json.loads(text)["version_info"], text)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            self.written = None
        except OSError as error:
            raise StorageFault(str(self.path), f"cannot be read ({error.strerror})", "mend the folder's rights") from error
