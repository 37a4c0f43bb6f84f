"""Whether a task can open its artifacts where they lie, told before it starts to work.

TFX's executors open an artifact's uri themselves, through TensorFlow's file systems, and
take no notice of the copies that KFP's launcher makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from tfx_rollout.errors import InvalidInput

MOUNT_VARIABLE = "TFX_ROLLOUT_MOUNTED_ROOT"
"""Names a folder that counts as a mount: for a runner on one machine, and for volumes that do not look like one."""


def open_storage(uris: Iterable[tuple[str, str]]) -> None:
    """Makes every uri one that can be opened; each comes with what it is (`output model`).

    Imports tensorflow-io where there is an s3:// uri. `InvalidInput` in one sentence for a
    uri that no file system is there for, and for a path that would be lost with the
    container.
    """
    for what, uri in uris:
        scheme = urlsplit(uri).scheme
        if scheme == "s3":
            _know_s3(what, uri)
        elif scheme == "minio":
            raise InvalidInput(
                f"The {what} lies at {uri}, and TensorFlow has no file system for minio://; "
                "run the pipeline with the same bucket as pipeline root s3://BUCKET/FOLDER."
            )
        elif not scheme:
            _require_mount(what, uri)
        elif scheme != "gs":
            raise InvalidInput(
                f"The {what} lies at {uri}, and TFX's executors open no {scheme}://; run the pipeline with a root gs:// or s3://."
            )


def _know_s3(what: str, uri: str) -> None:
    if find_spec("tensorflow_io") is None:
        raise InvalidInput(
            f"The {what} lies at {uri}, and TensorFlow opens s3:// only with tensorflow-io, which this image does not have; "
            "build the image with the package tensorflow-io, or run the pipeline with a root gs://."
        )
    # Registers its file systems with TensorFlow.
    import_module("tensorflow_io")


def _require_mount(what: str, uri: str) -> None:
    path = Path(uri)
    named = os.environ.get(MOUNT_VARIABLE, "")
    if path.is_absolute() and (_on_a_mount(path) or (named and path.is_relative_to(named))):
        return
    raise InvalidInput(
        f"The {what} lies at {uri or '(nowhere)'}, which is no bucket and on no mounted volume, so that it would be lost "
        f"with the container; run the pipeline with a root gs:// or s3://, or name the mount in {MOUNT_VARIABLE}."
    )


def _on_a_mount(path: Path) -> bool:
    """Whether the path is, or will be, on another file system than the container's own root."""
    return any(folder.is_mount() for folder in (path, *path.parents) if folder != Path("/"))
