"""Where the folders and buckets of the cluster are on this machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.runner.values import Value

BUCKETS = ("gs://", "s3://", "minio://", "oci://")
"""What open-source KFP takes for a root or an imported artifact."""


class Locations:
    """Places of the cluster (`/srv/models`, `gs://bucket/folder`) and the local folders that stand for them.

    A task sees local folders alone: in uris, in parameters, in its command and its
    environment. The texts of the compiled pipeline are mapped where they enter the run;
    what a task answers is local already.
    """

    def __init__(self, mounts: Mapping[str, Path | str]) -> None:
        """`InvalidPlan` names every place that is no absolute path or bucket, and every folder that is not there."""
        faults = []
        self._folders: dict[str, str] = {}
        for place, folder in mounts.items():
            prefix = place.rstrip("/")
            if not prefix.startswith(("/", *BUCKETS)):
                faults.append(f"{place!r}: give an absolute path or a bucket as it is on the cluster")
            if not Path(folder).is_dir():
                faults.append(f"{place}: {folder} is no folder on this machine; make it first")
            self._folders[prefix] = str(Path(folder).resolve())
        if faults:
            raise InvalidPlan("the setting mounts", faults)
        longest_first = sorted(self._folders, key=len, reverse=True)
        alternatives = "|".join(re.escape(prefix) for prefix in longest_first)
        # Whole components of a path alone: /srv is neither in /srv2 nor in /data/srv.
        self._pattern = re.compile(rf"(?<![\w./-])(?:{alternatives})(?![\w.-])") if alternatives else None

    def covers(self, place: str) -> bool:
        """Whether a path or uri of the cluster has its place on this machine."""
        return any(place == prefix or place.startswith(f"{prefix}/") for prefix in self._folders)

    def text(self, text: str) -> str:
        """A text with every place in it mapped."""
        return self._pattern.sub(lambda found: self._folders[found[0]], text) if self._pattern else text

    def value(self, value: Value) -> Value:
        """A parameter value with every place in its texts mapped."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        return value

    def root(self, pipeline_root: str) -> str:
        """The pipeline root as a local folder, which is made. `InvalidPlan` where it is a bucket that is not mapped."""
        local = self.text(pipeline_root)
        if not local.startswith("/"):
            mend = f"map it with mounts={{{pipeline_root!r}: FOLDER}}"
            if not local.startswith(BUCKETS):
                mend = "give an absolute folder, or a bucket that mounts maps"
            raise InvalidPlan("the pipeline root", [f"{pipeline_root!r} is not on this machine; {mend}"])
        Path(local).mkdir(parents=True, exist_ok=True)
        return local.rstrip("/")

    def provider(self, local: str) -> str:
        """What kind of bucket a local path stands for (`gs`); empty where it stands for none."""
        for place, folder in self._folders.items():
            if place.startswith(BUCKETS) and (local == folder or local.startswith(f"{folder}/")):
                return place.split("://", 1)[0]
        return ""

    def in_a_bucket(self, local: str) -> bool:
        """Whether a local path stands for one in a bucket."""
        return bool(self.provider(local))
