"""The files behind artifacts: a SavedModel that can be opened here, and the examples' records."""

from __future__ import annotations

import os
from pathlib import Path

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from tfx_rollout.errors import InvalidInput

DEFAULT_SPLIT = "eval"


def serving_model(model: types.Artifact, work: Path) -> Path:
    """The SavedModel for serving in a `Model` artifact, in the layout that TFX's Trainer writes.

    One that lies in an object store is copied below `work`.
    """
    uri = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    if "://" not in uri:
        return Path(uri)
    local = work / f"model-{model.id}"
    io_utils.copy_dir(uri, str(local))
    return local


def example_files(examples: types.Artifact, split: str | None) -> list[str]:
    """The TFRecord files of one split: the one that is asked for, else `eval`, else the first.

    `InvalidInput` where the split is not there or holds something other than tf.Examples.
    """
    form = examples_utils.get_payload_format(examples)
    if form != example_gen_pb2.FORMAT_TF_EXAMPLE:
        name = example_gen_pb2.PayloadFormat.Name(form)
        raise InvalidInput(f"The examples at {examples.uri} have the payload format {name}; connect ones of FORMAT_TF_EXAMPLE.")
    there = artifact_utils.decode_split_names(examples.split_names)
    if not there or (split is not None and split not in there):
        wanted = f"split {split}" if split else "split"
        raise InvalidInput(f"The examples at {examples.uri} have no {wanted}; they have: {', '.join(there) or 'none'}.")
    chosen = split or (DEFAULT_SPLIT if DEFAULT_SPLIT in there else there[0])
    folder = artifact_utils.get_split_uri([examples], chosen)
    return [os.path.join(folder, name) for name in sorted(fileio.listdir(folder)) if not name.startswith(".")]  # noqa: PTH118
