"""What Trainer runs: a small Keras model, and its export for TensorFlow Serving.

The two signatures of the export:

    serving_default    the named raw columns, each of shape [batch]: what a person can send as JSON
    serving_examples   {"examples": serialized tf.Example, shape [batch]}: what the Evaluator reads

Both answer {"big_tipper": probability, shape [batch]}.

`custom_config={"unknown_company": "fail"}` plants a programming error that tests of the
model on its own data cannot see: the table of companies gets no row for a company
outside the vocabulary, so a request with such a company fails with INVALID_ARGUMENT
(an index out of range) while every other one is answered as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

from taxi.features import COLUMNS, FIRST_ROWS, LABEL, NUMBERS, NUMBERS_IN, ROWS_IN
from taxi.preprocessing import COMPANIES, raw_dtype

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import DataAccessor, FnArgs

SEED = 20_131_001
BATCH = 64
EMBEDDING = 4
HIDDEN = (32, 16)

Columns = dict[str, np.ndarray]


def run_fn(fn_args: FnArgs) -> None:
    """Trainer's callback: trains for `train_steps` steps of `BATCH` trips and exports to `serving_model_dir`."""
    unknown_company = (fn_args.custom_config or {}).get("unknown_company", "answer")
    if unknown_company not in ("answer", "fail"):
        raise ValueError(f"custom_config['unknown_company'] is {unknown_company!r}; it must be 'answer' or 'fail'.")
    keras.utils.set_random_seed(SEED)
    transform = tft.TFTransformOutput(fn_args.transform_output)
    companies = transform.vocabulary_size_by_name(COMPANIES) + (1 if unknown_company == "answer" else 0)
    columns, labels = read_trips(fn_args.train_files, fn_args.data_accessor, transform)
    model = build_model(companies)
    epochs = max(1, round(fn_args.train_steps * BATCH / len(labels)))
    model.fit(columns, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    export(model, transform, fn_args.serving_model_dir)


def read_trips(files: Sequence[str], accessor: DataAccessor, transform: tft.TFTransformOutput) -> tuple[Columns, np.ndarray]:
    """All transformed trips of `files` and their labels, in an order that does not depend on the files' order.

    A span fits in memory many times over. With the order and the seed fixed, two trainings
    differ by the rounding of floats only.
    """
    options = TensorFlowDatasetOptions(batch_size=4096, num_epochs=1, shuffle=False, label_key=LABEL)
    batches = list(accessor.tf_dataset_factory(files, options, transform.transformed_metadata.schema).as_numpy_iterator())
    columns = {name: np.concatenate([features[name] for features, _ in batches]) for name in (NUMBERS_IN, ROWS_IN)}
    labels = np.concatenate([label.reshape(-1) for _, label in batches])
    order = np.lexsort([labels, *columns[ROWS_IN].T, *columns[NUMBERS_IN].T])
    return {name: values[order] for name, values in columns.items()}, labels[order]


def build_model(companies: int) -> keras.Model:
    """A small dense network over the numbers and an embedding of the rest; `companies` is how many rows these have."""
    numbers = keras.Input((NUMBERS,), name=NUMBERS_IN, dtype="float32")
    rows = keras.Input((len(FIRST_ROWS),), name=ROWS_IN, dtype="int64")
    # Zeros, so that the row of a value that training did not have adds nothing instead of noise.
    table = keras.layers.Embedding(FIRST_ROWS[-1] + companies, EMBEDDING, embeddings_initializer="zeros")
    values = keras.layers.Concatenate()([numbers, keras.layers.Flatten()(table(rows))])
    for units in HIDDEN:
        values = keras.layers.Dense(units, activation="relu")(values)
    probability = keras.layers.Reshape(())(keras.layers.Dense(1, activation="sigmoid")(values))
    model = keras.Model({NUMBERS_IN: numbers, ROWS_IN: rows}, probability)
    model.compile(optimizer=keras.optimizers.Adam(0.003), loss="binary_crossentropy", jit_compile=False)
    return model


class TaxiServing(tf.Module):
    """The model behind its two signatures, holding only what serving needs.

    The Keras model itself is not kept: saved as a Keras object its variables restore
    into copies that the signatures do not read, and TensorFlow Serving then answers
    "Could not find variable" (keras-team/keras#20096). The plain variables are kept.
    """

    def __init__(self, model: keras.Model, transform: tft.TFTransformOutput) -> None:
        super().__init__()
        self.weights = [variable.value for variable in model.variables]
        # As it was saved, without the Keras layer around it, which takes longer to save than the model to train.
        self.transform = tf.saved_model.load(transform.transform_savedmodel_dir)
        unsent = {name: spec.dtype for name, spec in transform.raw_feature_spec().items() if name not in COLUMNS}

        def answer(raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
            shape = raw[COLUMNS[0]].dense_shape
            transformed = self.transform.transform_fn(raw | {name: _no_values(dtype, shape) for name, dtype in unsent.items()})
            return {LABEL: model({name: transformed[name] for name in model.input})}

        def serving_default(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
            return answer(_as_parsed(columns))

        def serving_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            # Of variable length: an example may lack a feature, or have it without a value.
            return answer(tf.io.parse_example(examples, {c: tf.io.VarLenFeature(raw_dtype(c)) for c in COLUMNS}))

        columns = {c: tf.TensorSpec([None], raw_dtype(c), name=c) for c in COLUMNS}
        self.serving_default = tf.function(serving_default, autograph=False).get_concrete_function(**columns)
        self.serving_examples = tf.function(serving_examples, autograph=False).get_concrete_function(
            tf.TensorSpec([None], tf.string, name="examples")
        )


def export(model: keras.Model, transform: tft.TFTransformOutput, folder: str) -> None:
    """Writes the SavedModel with its signatures to `folder`."""
    serving = TaxiServing(model, transform)
    signatures: dict[str, Any] = {"serving_default": serving.serving_default, "serving_examples": serving.serving_examples}
    tf.saved_model.save(serving, folder, signatures=signatures)


def _as_parsed(columns: Mapping[str, tf.Tensor]) -> dict[str, tf.SparseTensor]:
    """Named columns in the form that parsed examples have, which is what the transform graph reads."""
    rows = tf.size(columns[COLUMNS[0]], out_type=tf.int64)
    indices = tf.stack([tf.range(rows), tf.zeros([rows], tf.int64)], axis=1)
    shape = tf.stack([rows, tf.constant(1, tf.int64)])
    return {name: tf.SparseTensor(indices, values, shape) for name, values in columns.items()}


def _no_values(dtype: tf.DType, shape: tf.Tensor) -> tf.SparseTensor:
    """A column that no row has: the label and the time, which the transform graph wants and the answer does not need."""
    return tf.SparseTensor(tf.zeros([0, 2], tf.int64), tf.zeros([0], dtype), shape)
