"""Where things lie under a model's base path, and which of its folders are versions.

<base>/
  17/ 18/ 19/            versions; immutable
  .staging/              pushes in flight; TensorFlow Serving ignores names that are no number
  .rollout/
    versions/19.json     manifests
    numbers.json         the highest number ever used
    desired.json         what should be
    observed.json        what is
    history.jsonl        every desired state that ever was, and when it was applied
    lock                 held for the length of a change
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store.control_file import make_folder
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.model_store.tree import is_saved_model

HIGHEST_NUMBER = 2**63 - 1
"""TensorFlow Serving's versions are int64."""
LOCK = "lock"
"""The name of the lock in the control folder: written all the time, and nothing that is known of the model."""

_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)


def version_number(name: str) -> int | None:
    """The version that TensorFlow Serving sees in a folder's name, `None` when it sees none.

    Its parser is absl::SimpleAtoi<int64>: sign, leading zeros and white space around are accepted.
    """
    if not _NUMBER.fullmatch(name):
        return None
    number = int(name)
    return number if -HIGHEST_NUMBER - 1 <= number <= HIGHEST_NUMBER else None


@dataclass(frozen=True)
class Layout:
    """The paths of one base path."""

    base: Path

    @property
    def control(self) -> Path:
        return self.base / ".rollout"

    @property
    def staging(self) -> Path:
        return self.base / ".staging"

    @property
    def manifests(self) -> Path:
        return self.control / "versions"

    @property
    def numbers(self) -> Path:
        return self.control / "numbers.json"

    @property
    def desired(self) -> Path:
        return self.control / "desired.json"

    @property
    def observed(self) -> Path:
        return self.control / "observed.json"

    @property
    def history(self) -> Path:
        return self.control / "history.jsonl"

    @property
    def lock(self) -> Path:
        return self.control / LOCK

    def manifest(self, version: int) -> Path:
        """Path of a version's manifest, whether or not there is one."""
        return self.manifests / f"{version}.json"

    def create(self) -> None:
        """Makes the base path and its control folders. Raises `StorageFault`."""
        with storage_faults(self.base, "made"):
            there = next(folder for folder in (self.base, *self.base.parents) if folder.is_symlink() or folder.exists())
            if not there.is_dir():
                raise StorageFault(str(there), "is not a folder", "move it away or choose another base path")
        for folder in (self.manifests, self.staging):
            make_folder(folder)

    def numbered(self) -> dict[int, Path]:
        """Every entry that TensorFlow Serving would take for a version, files and unfinished ones too.

        Of two names with one number (`7`, `007`) the later in sort order wins, as it does there.
        """
        with storage_faults(self.base, "read"):
            try:
                entries = sorted(self.base.iterdir())
            except FileNotFoundError:
                return {}
        return {number: entry for entry in entries if (number := version_number(entry.name)) is not None}

    def versions(self) -> dict[int, Path]:
        """The versions: numbered folders with a SavedModel in them."""
        return {number: path for number, path in sorted(self.numbered().items()) if is_saved_model(path)}

    def manifest_numbers(self) -> set[int]:
        """Versions that have a manifest, whether or not they still have a folder."""
        with storage_faults(self.manifests, "read"):
            try:
                files = list(self.manifests.iterdir())
            except FileNotFoundError:
                return set()
        return {number for file in files if file.suffix == ".json" and (number := version_number(file.stem)) is not None}
