"""A path lies on the file system that is mounted nearest above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.control.http.near_disk import NEAR, file_system_of, lies_near

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 0:40 / /models rw,relatime shared:2 - nfs4 server:/models rw,vers=4.2
31 30 0:41 / /models/scratch rw,relatime - tmpfs tmpfs rw
32 27 0:42 / /with\040space rw,relatime - fuse.s3fs s3fs rw
33 27 0:43 / /twice rw,relatime - ext4 /dev/vdb rw
34 33 0:44 / /twice rw,relatime - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/srv/models", "ext4"),
        ("/models", "nfs4"),
        ("/models/taxi/.rollout", "nfs4"),
        ("/models/scratch/taxi", "tmpfs"),
        ("/models-of-old", "ext4"),
        ("/with space/taxi", "fuse.s3fs"),
        ("/twice/taxi", "cifs"),
    ],
)
def test_the_nearest_mount_above_a_path_counts(folder: str, kind: str):
    assert file_system_of(Path(folder), MOUNTS) == kind


def test_what_a_network_is_behind_is_not_near():
    assert {"ext4", "tmpfs", "xfs"} <= NEAR
    assert NEAR.isdisjoint({"nfs", "nfs4", "cifs", "smb3", "fuse.s3fs", "fuse.gcsfuse", "ceph", "9p", "virtiofs"})


def test_without_a_table_of_mounts_nothing_is_near(monkeypatch, tmp_path: Path):
    assert file_system_of(Path("/models"), "") is None
    monkeypatch.setattr("tfx_rollout.control.http.near_disk._MOUNTS", tmp_path / "none")
    assert not lies_near(tmp_path)
