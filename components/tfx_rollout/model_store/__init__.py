"""The versioned base path: layout, manifests, atomic publish, lock and control files."""

from tfx_rollout.model_store.base_path import BasePath
from tfx_rollout.model_store.control_file import (
    append_line,
    append_lines,
    make_folder,
    read_json,
    read_lines,
    remove_file,
    write_json,
    write_text,
)
from tfx_rollout.model_store.digest import Content, FileDigest, content_digest, read_content
from tfx_rollout.model_store.faults import storage_fault, storage_faults
from tfx_rollout.model_store.file_lock import FileLock
from tfx_rollout.model_store.lease import Guard, Lease, unguarded
from tfx_rollout.model_store.lease_watch import LeaseWatch
from tfx_rollout.model_store.manifest import Manifest
from tfx_rollout.model_store.publish import Published
from tfx_rollout.model_store.store import ModelStore
from tfx_rollout.model_store.tree import is_saved_model

__all__ = [
    "BasePath",
    "Content",
    "FileDigest",
    "FileLock",
    "Guard",
    "Lease",
    "LeaseWatch",
    "Manifest",
    "ModelStore",
    "Published",
    "append_line",
    "append_lines",
    "content_digest",
    "is_saved_model",
    "make_folder",
    "read_content",
    "read_json",
    "read_lines",
    "remove_file",
    "storage_fault",
    "storage_faults",
    "unguarded",
    "write_json",
    "write_text",
]
