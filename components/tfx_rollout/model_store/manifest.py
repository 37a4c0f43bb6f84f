"""The manifest: what a version is, where it came from, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState
from tfx_rollout.model_store.control_file import read_json
from tfx_rollout.model_store.digest import Content, FileDigest, digest_of

SCHEMA = 1


@dataclass(frozen=True)
class Manifest:
    """One version's record, `.rollout/versions/<version>.json`.

    `source` is the folder it was copied from; for a version that another pusher made
    (`adopted`) it is the version's own folder. `published_at`, seconds since the epoch,
    is then the time of the adoption. `provenance` is free: pipeline, run, artifact.
    """

    version: int
    digest: str
    files: tuple[FileDigest, ...]
    source: str
    published_at: float
    adopted: bool = False
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def content(self) -> Content:
        """What the version's folder must hold."""
        return Content(self.digest, self.files)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "version": self.version,
            "digest": self.digest,
            "source": self.source,
            "published_at": self.published_at,
            "adopted": self.adopted,
            "provenance": dict(self.provenance),
            "files": [file.to_json() for file in self.files],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        files = tuple(FileDigest(f["path"], f["size"], f["sha256"]) for f in data["files"])
        if digest_of(files) != data["digest"]:
            raise ValueError("its digest is not that of its files")
        return cls(
            version=data["version"],
            digest=data["digest"],
            files=files,
            source=data["source"],
            published_at=data["published_at"],
            adopted=data["adopted"],
            provenance=data["provenance"],
        )


def read_manifest(path: Path) -> Manifest | None:
    """The manifest in this file, `None` when there is none. Raises `CorruptState`, `StorageFault`."""
    data = read_json(path)
    if data is None:
        return None
    try:
        return Manifest.from_json(data)
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptState(str(path), f"it is no manifest: {error!r}") from error
