"""Where runs may keep their artifacts: what open-source KFP can copy and TFX's executors can open."""

from __future__ import annotations

from urllib.parse import urlsplit

BUCKETS = ("gs", "s3")
"""Schemes that both KFP's launcher and TensorFlow's file systems know (s3 with tensorflow-io)."""


def root_fault(root: str) -> str | None:
    """Why a root cannot hold a TFX pipeline's artifacts on open-source KFP, with the mend; None where it can."""
    parts = urlsplit(root)
    if parts.scheme in BUCKETS:
        return None if parts.netloc else f"{root!r} names no bucket; write {parts.scheme}://BUCKET/FOLDER"
    if parts.scheme == "minio":
        return (
            f"{root!r} cannot be opened by TFX's executors, for which there is no minio file system; use the same bucket as s3://"
        )
    if parts.scheme == "oci":
        return f"{root!r} cannot be opened by TFX's executors; use a bucket (gs:// or s3://)"
    return (
        f"{root!r} is no bucket, and open-source KFP keeps artifacts nowhere else; use gs://BUCKET/FOLDER or s3://BUCKET/FOLDER"
    )
