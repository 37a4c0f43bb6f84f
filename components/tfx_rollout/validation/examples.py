"""Reading serialized `tf.Example`s from TFRecord files. Uses TensorFlow, imported on first use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tfx_rollout.errors import InvalidInput
from tfx_rollout.validation.requests import Row


def read_records(files: Sequence[str | Path], limit: int) -> list[bytes]:
    """The first `limit` records of these TFRecord files, in order; files ending in `.gz` are gzipped.

    Raises `InvalidInput` for a file that holds no TFRecords.
    """
    return list(islice(_records(files), limit))


def parse(record: bytes) -> Row:
    """The features of a serialized `tf.Example`; a feature without values is left out.

    Raises `InvalidInput` for bytes that are no example.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        example = tf.train.Example.FromString(record)
    except DecodeError as fault:
        raise InvalidInput(
            "A record of the examples is no serialized tf.Example; connect examples of the payload format FORMAT_TF_EXAMPLE."
        ) from fault
    row = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        values = list(getattr(feature, kind).value) if kind else []
        if values:
            row[name] = values
    return row


def _records(files: Sequence[str | Path]) -> Iterator[bytes]:
    import tensorflow as tf

    for file in files:
        compression = "GZIP" if str(file).endswith(".gz") else ""
        try:
            for record in tf.data.TFRecordDataset(str(file), compression_type=compression):
                yield record.numpy()
        except tf.errors.OpError as fault:
            raise InvalidInput(
                f"The examples in {file} cannot be read ({fault.message}); they must be TFRecord files."
            ) from fault
