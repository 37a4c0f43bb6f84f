"""Artifacts that TFX cannot open, or that would be lost with the container, are refused before any work is done."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.tfx.kubeflow.storage import MOUNT_VARIABLE, open_storage


def refused(uri: str) -> str:
    with pytest.raises(InvalidInput) as told:
        open_storage([("input model", "gs://b/x"), ("output report", uri)])
    assert "The output report" in str(told.value)
    return str(told.value)


def test_buckets_of_google_are_opened():
    open_storage([("input model", "gs://b/x")])


@pytest.mark.parametrize(
    ("uri", "mend"),
    [
        ("minio://mlpipeline/v2/x", "s3://BUCKET"),
        ("hdfs://cluster/x", "gs:// or s3://"),
        ("file:///mnt/x", "gs:// or s3://"),
        ("artifacts/x", MOUNT_VARIABLE),
        ("", MOUNT_VARIABLE),
    ],
)
def test_what_no_file_system_is_there_for_is_refused_with_the_mend(uri: str, mend: str):
    assert mend in refused(uri)


def test_a_path_in_the_container_itself_is_refused(tmp_path: Path):
    folder = Path("/nowhere-mounted/artifacts")
    assert "lost with the container" in refused(str(folder))
    assert not folder.exists()


def test_a_path_on_a_mounted_volume_is_taken_although_it_is_not_there_yet():
    assert Path("/proc").is_mount()
    open_storage([("output report", "/proc/taxi/report")])


def test_a_path_below_the_named_mount_is_taken_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(MOUNT_VARIABLE, "/nowhere-mounted/artifacts")
    open_storage([("output report", "/nowhere-mounted/artifacts/taxi/1")])
    refused("/nowhere-mounted/artifacts-of-others/1")


def test_s3_needs_tensorflow_io(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not (Path(entry) / "tensorflow_io").exists()])
    monkeypatch.delitem(sys.modules, "tensorflow_io", raising=False)
    assert "tensorflow-io" in refused("s3://bucket/x")
    package = tmp_path / "tensorflow_io"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    open_storage([("output report", "s3://bucket/x")])
    assert "tensorflow_io" in sys.modules, "its import registers the file system"
    monkeypatch.delitem(sys.modules, "tensorflow_io")
