"""What Transform does with a trip; the same graph runs in training and in serving.

Two habits keep it cheap. Few analyzers, since each costs Beam stages, and what is known
beforehand (where Chicago is, how many hours a day has) needs no pass over the data. And
columns of a kind are worked on together, since a served request pays for every operation.
"""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft

from taxi.features import CODES, COLUMNS, COORDINATES, FIRST_ROWS, INTEGERS, LABEL, METERS, NUMBERS_IN, PAYMENTS, ROWS_IN, STRINGS

COMPANIES = "companies"
"""The name of the vocabulary of `company`, as `TFTransformOutput.vocabulary_size_by_name` knows it."""

_NO_COMPANY = "(none)"
"""Stands for "" in the vocabulary, which has no room for the empty string."""

_CENTRE = (41.88, -87.65, 41.88, -87.65)
"""The middle of the trips, for each of `COORDINATES`; the model sees tenths of a degree from it."""


def raw_dtype(column: str) -> tf.DType:
    """The dtype of a raw column, in a request as in a `tf.Example`."""
    if column in STRINGS:
        return tf.string
    return tf.int64 if column in INTEGERS else tf.float32


def preprocessing_fn(inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Transform's callback: raw columns in; the model's two inputs and the label out, with the batch first."""
    shape = tf.stack([inputs[COLUMNS[0]].dense_shape[0], 1])
    raw = {column: _dense(inputs[column], shape) for column in (*COLUMNS, LABEL)}
    numbers = tf.concat([tf.cast(raw[c], tf.float32) for c in (*METERS, *COORDINATES)], axis=1)
    meters, places = tf.split(tf.where(tf.math.is_nan(numbers), 0.0, numbers), [len(METERS), len(COORDINATES)], axis=1)
    scaled = tft.scale_to_z_score(tf.math.log1p(tf.maximum(meters, 0.0)), elementwise=True)
    centred = tf.where(places == 0.0, 0.0, (places - _CENTRE) * 10.0)

    codes = tf.concat([raw[c] for c in CODES], axis=1)
    codes = tf.where((codes > 0) & (codes < list(CODES.values())), codes, 0)
    payment_numbers = tf.range(1, len(PAYMENTS) + 1, dtype=tf.int64)
    payment = tf.reduce_max(tf.where(tf.equal(raw["payment_type"], PAYMENTS), payment_numbers, 0), axis=1, keepdims=True)
    # Every company that the data did not have gets the one number after those of the vocabulary.
    company = tft.compute_and_apply_vocabulary(
        tf.where(raw["company"] == "", _NO_COMPANY, raw["company"]), num_oov_buckets=1, vocab_filename=COMPANIES
    )
    return {
        NUMBERS_IN: tf.concat([scaled, centred], axis=1),
        ROWS_IN: tf.concat([codes, payment, company], axis=1) + FIRST_ROWS,
        LABEL: raw[LABEL],
    }


def _dense(values: tf.SparseTensor, shape: tf.Tensor) -> tf.Tensor:
    """The one value of each example as a column [batch, 1], 0 or "" where there is none."""
    missing = "" if values.dtype is tf.string else tf.zeros([], values.dtype)
    return tf.sparse.to_dense(tf.SparseTensor(values.indices, values.values, shape), missing)
