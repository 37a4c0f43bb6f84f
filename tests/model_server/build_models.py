"""Writes the SavedModels of these tests into the folder named by the first argument. Run as a program: it imports TensorFlow."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfx_rollout.model_server.runtime import choose_runtime
from tfx_rollout.model_server.saved_model import SavedModelLoader
from tfx_rollout.model_server.status import ServingError
from tfx_rollout.model_server.threads import at_once

COMPANIES = ("Blue", "Green", "Yellow")
SPIN_SIZE = 48


class Affine(tf.Module):
    """y = x / 2 + offset; the offset tells the versions apart. Signatures for every face of Predict."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.half = tf.Variable(0.5)
        self.offset = tf.Variable(offset)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def serve(self, x):
        return {"y": self.half * x + self.offset}

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32, name="x")])
    def fixed_shape(self, x):
        return {"y": self.half * x + self.offset}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def checked(self, x):
        tf.debugging.assert_non_negative(x, message="x must not be negative")
        return {"y": tf.sqrt(x), "twice": 2 * x}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32, name="steps")])
    def spin(self, steps):
        """Keeps a core busy for a time that grows with `steps`."""
        start = tf.ones([SPIN_SIZE, SPIN_SIZE])
        end = tf.while_loop(lambda i, m: i < steps, lambda i, m: (i + 1, tf.linalg.matmul(m, m) / SPIN_SIZE), (0, start))
        return {"value": end[1][0, 0], "offset": self.offset + 0.0}

    def save(self, path: Path) -> None:
        signatures = {
            "serving_default": self.serve,
            "fixed_shape": self.fixed_shape,
            "checked": self.checked,
            "spin": self.spin,
        }
        tf.saved_model.save(self, str(path), signatures=signatures)


class Columns(tf.Module):
    """Named raw columns, one of them looked up in a vocabulary that is an asset."""

    def __init__(self, vocabulary: str) -> None:
        super().__init__()
        self.asset = tf.saved_model.Asset(vocabulary)
        index = tf.lookup.TextFileInitializer(
            self.asset, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(index, -1)
        self.weights = tf.Variable([0.0, 10.0, 20.0, 30.0])

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="company"),
            tf.TensorSpec([None], tf.float32, name="miles"),
            tf.TensorSpec([None], tf.int64, name="trips"),
        ]
    )
    def serve(self, company, miles, trips):
        index = self.table.lookup(company)
        score = tf.gather(self.weights, index + 1) * miles
        return {"index": index + 100 * trips, "score": score, "label": company, "label_bytes": company}


class Types(tf.Module):
    """Every data type through and back."""

    @tf.function(
        input_signature=[
            tf.TensorSpec(None, dtype, name=dtype.name)
            for dtype in (
                *(tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.complex64, tf.complex128, tf.bool, tf.string),
                *(tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64),
            )
        ]
    )
    def serve(self, *tensors):
        return {tensor.dtype.name: tf.identity(tensor) for tensor in tensors}


def rewrite(source: Path, target: Path, change) -> None:
    """Copies a SavedModel and lets `change` edit its meta graph."""
    shutil.copytree(source, target)
    model = saved_model_pb2.SavedModel.FromString((source / "saved_model.pb").read_bytes())
    change(model.meta_graphs[0])
    (target / "saved_model.pb").write_bytes(model.SerializeToString())


def initialise_by(collection: str):
    """Names the init op in a collection, as models of TensorFlow 1 do, instead of in a signature."""

    def change(meta_graph) -> None:
        name = meta_graph.signature_def.pop("__saved_model_init_op").outputs["__saved_model_init_op"].name
        del meta_graph.collection_def["saved_model_main_op"]
        meta_graph.collection_def[collection].node_list.value.append(name)

    return change


def need_unknown_op(meta_graph) -> None:
    meta_graph.graph_def.node.add(name="custom", op="SentencepieceOfNobody")


def give_default(meta_graph) -> None:
    default = tf.make_tensor_proto([8.0, 10.0])
    meta_graph.signature_def["serving_default"].defaults["x"].CopyFrom(default)


def main(root: Path) -> None:
    for version in (1, 2, 3):
        Affine(float(version)).save(root / "affine" / str(version))
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder, "companies.txt")
        vocabulary.write_text("\n".join(COMPANIES) + "\n")
        columns = Columns(str(vocabulary))
        tf.saved_model.save(columns, str(root / "columns" / "1"), signatures=columns.serve)
    types = Types()
    tf.saved_model.save(types, str(root / "types" / "1"), signatures=types.serve)
    network = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    network.export(str(root / "keras" / "1"), verbose=False)
    rewrite(root / "columns" / "1", root / "main_op" / "1", initialise_by("saved_model_main_op"))
    rewrite(root / "columns" / "1", root / "legacy" / "1", initialise_by("legacy_init_op"))
    rewrite(root / "affine" / "1", root / "custom_op" / "1", need_unknown_op)
    rewrite(root / "affine" / "1", root / "defaults" / "1", give_default)
    (root / "full_runtime.json").write_text(json.dumps(full_runtime_answers(root / "columns" / "1")))


def full_runtime_answers(path: Path) -> dict:
    """What the full runtime makes of the columns model; here, because TensorFlow is imported already."""
    os.environ["TFX_ROLLOUT_TF_RUNTIME"] = "full"
    runtime = choose_runtime()
    loader = SavedModelLoader(runtime, tags=["serve"], session_config=b"", warm=True, run_heavy=at_once)
    servable = loader.load("columns", 1, path)
    outputs = ("index", "score")
    run = servable.program("serving_default", outputs).run
    company = np.array([b"Yellow", b"?"], object)
    feeds = (company, np.array([1.25, 1], np.float32), np.array([2, 0]))
    answers = {alias: array.tolist() for alias, array in zip(outputs, run(feeds), strict=True)}
    try:
        run((np.zeros(1), *feeds[1:]))
    except ServingError as error:
        answers["refusal"] = error.code.name
    servable.close()
    return {"runtime": runtime.name, **answers}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
