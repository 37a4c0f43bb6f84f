"""Tiny models that a trainer might export, good and bad, and examples for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Trainer:
    """Exports models with the signatures of the taxi pipeline: named columns, and serialized examples."""

    folder: Path

    def examples(self, name: str, companies: list[str], count: int = 240) -> list[Path]:
        import tensorflow as tf

        path = self.folder / f"{name}.gz"
        if not path.exists():
            with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
                for number in range(count):
                    feature = {
                        "miles": tf.train.Feature(float_list=tf.train.FloatList(value=[number / 8])),
                        "company": tf.train.Feature(
                            bytes_list=tf.train.BytesList(value=[companies[number % len(companies)].encode()])
                        ),
                    }
                    if number % 5 == 0:
                        del feature["company"]
                    example = tf.train.Example(features=tf.train.Features(feature=feature))
                    writer.write(example.SerializeToString())
        return [path]

    def export(self, name: str, tip: Callable[[Any, Any], Any], outputs: tuple[str, ...] = ("tip",)) -> Path:
        """A model whose answer is `tip(company, miles)`: one tensor per name in `outputs`."""
        import tensorflow as tf

        path = self.folder / name
        if path.exists():
            return path

        class Model(tf.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = tf.Variable(0.25)

            def answer(self, company: Any, miles: Any) -> dict[str, Any]:
                found = tip(company, miles * self.weight)
                return dict(zip(outputs, found if isinstance(found, tuple) else (found,), strict=True))

            @tf.function(
                input_signature=[
                    tf.TensorSpec([None], tf.string, name="company"),
                    tf.TensorSpec([None], tf.float32, name="miles"),
                ]
            )
            def columns(self, company: Any, miles: Any) -> dict[str, Any]:
                return self.answer(company, miles)

            @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
            def serialized(self, examples: Any) -> dict[str, Any]:
                row = tf.io.parse_example(
                    examples,
                    {
                        "company": tf.io.FixedLenFeature([], tf.string, ""),
                        "miles": tf.io.FixedLenFeature([], tf.float32, 0.0),
                    },
                )
                return self.answer(row["company"], row["miles"])

        model = Model()
        tf.saved_model.save(model, str(path), {"serving_default": model.columns, "serving_examples": model.serialized})
        return path


@pytest.fixture(scope="session")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return Trainer(tmp_path_factory.mktemp("trainer"))
