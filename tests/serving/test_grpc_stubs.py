"""The light import of the stubs, in processes of their own: it is about what `sys.modules` holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], stdout=-1, stderr=-1, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_stubs_come_without_tensorflow():
    out = run(
        "import sys; from tfx_rollout.serving import grpc_api, prediction_stub\n"
        "prediction_stub('127.0.0.1:9').Predict; request = grpc_api().predict_pb2.PredictRequest()\n"
        "request.inputs['x'].float_val.append(1.5)\n"
        "print('tensorflow' in sys.modules, 'tensorflow.python' in sys.modules, len(request.SerializeToString()) > 0)"
    )
    assert out == "False False True\n"


def test_tensorflow_can_still_be_imported_afterwards_and_shares_its_messages():
    out = run(
        "from tfx_rollout.serving import grpc_api\n"
        "api = grpc_api()\n"
        "import tensorflow as tf\n"
        "request = api.predict_pb2.PredictRequest()\n"
        "request.inputs['x'].CopyFrom(tf.make_tensor_proto([1.0, 2.0]))\n"
        "print(tf.make_ndarray(request.inputs['x']).tolist(), type(tf.make_tensor_proto(1)) is api.tensor_pb2.TensorProto)"
    )
    assert out == "[1.0, 2.0] True\n"
