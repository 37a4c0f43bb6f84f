"""Trains the model with plain Keras and exports it as TensorFlow Serving wants it.

python -m penguin.train --data FOLDER --model FOLDER --metrics FILE
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penguin.data import ISLAND, MEASURES, SPECIES, Row, read

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

OUTPUT = "probabilities"
SEED = 1


def columns(rows: list[Row]) -> dict[str, Any]:
    """The model's inputs, one column each."""
    found: dict[str, Any] = {name: [[float(row[name])] for row in rows] for name in MEASURES}
    return {**found, ISLAND: [[row[ISLAND]] for row in rows]}


def dataset(rows: list[Row], batch_size: int = 32) -> tf.data.Dataset:
    """Inputs and species, in batches, in an order that is the same for the same seed."""
    import tensorflow as tf

    species = [SPECIES.index(row["species"]) for row in rows]
    return tf.data.Dataset.from_tensor_slices((columns(rows), species)).shuffle(len(rows), seed=SEED).batch(batch_size)


def build(rows: list[Row], learning_rate: float) -> keras.Model:
    """The untrained model. Its islands are those of `rows`: it fails on a penguin of another one."""
    import keras
    import numpy as np

    inputs = {name: keras.Input((1,), name=name) for name in MEASURES}
    inputs[ISLAND] = keras.Input((1,), name=ISLAND, dtype="string")
    scale = keras.layers.Normalization()
    scale.adapt(np.array([[float(row[name]) for name in MEASURES] for row in rows], np.float32))
    islands = keras.layers.StringLookup(
        vocabulary=sorted({row[ISLAND] for row in rows}), num_oov_indices=0, output_mode="one_hot"
    )
    measures = scale(keras.layers.Concatenate()([inputs[name] for name in MEASURES]))
    hidden = keras.layers.Dense(8, activation="relu")(keras.layers.Concatenate()([measures, islands(inputs[ISLAND])]))
    model = keras.Model(inputs, keras.layers.Dense(len(SPECIES), activation="softmax", name=OUTPUT)(hidden))
    model.compile(keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(data: Path, folder: Path, epochs: int, learning_rate: float) -> dict[str, float]:
    """Trains, exports to `folder`, and returns the metrics on the penguins that were held back."""
    import keras

    keras.utils.set_random_seed(SEED)
    rows, held_back = read(data / "train.csv"), read(data / "eval.csv")
    model = build(rows, learning_rate)
    model.fit(dataset(rows), epochs=epochs, verbose=0)
    found = model.evaluate(dataset(held_back), verbose=0, return_dict=True)
    model.export(str(folder))
    return {"accuracy": float(found["accuracy"]), "loss": float(found["loss"]), "penguins": len(held_back)}


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder with train.csv and eval.csv.")
@click.option("--model", required=True, type=click.Path(path_type=Path), help="Folder for the SavedModel.")
@click.option("--metrics", required=True, type=click.Path(path_type=Path), help="JSON file for the metrics.")
@click.option("--good", type=click.Path(path_type=Path), help="File for yes or no: is it as accurate as it has to be?")
@click.option("--min-accuracy", default=0.9, show_default=True, help="How accurate that is.")
@click.option("--epochs", default=40, show_default=True, type=click.IntRange(1))
@click.option("--learning-rate", default=0.02, show_default=True, type=click.FloatRange(0, min_open=True))
def main(
    data: Path, model: Path, metrics: Path, good: Path | None, min_accuracy: float, epochs: int, learning_rate: float
) -> None:
    """Train a model on the penguins in --data, and export it."""
    found = train(data, model, epochs, learning_rate)
    metrics.parent.mkdir(parents=True, exist_ok=True)
    metrics.write_text(json.dumps(found, indent=2) + "\n")
    if good is not None:
        good.parent.mkdir(parents=True, exist_ok=True)
        good.write_text("yes" if found["accuracy"] >= min_accuracy else "no")
    click.echo(f"accuracy {found['accuracy']:.3f} on {found['penguins']} penguins")


if __name__ == "__main__":
    main()
