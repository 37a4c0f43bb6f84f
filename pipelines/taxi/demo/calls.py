"""Lines to paste: a request over REST by curl, and one over gRPC by Python, for the setup that is live now."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CALL_SECONDS = 120

_GRPC = """\
import json, grpc, tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

trip = json.loads({trip!r})
request = predict_pb2.PredictRequest()
request.model_spec.name = {model!r}
for column, value in trip.items():
    kind = {{str: tf.string, int: tf.int64, float: tf.float32}}[type(value)]
    request.inputs[column].CopyFrom(tf.make_tensor_proto([value], kind))
stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel({gateway!r}))
answer, call = stub.Predict.with_call(request, timeout=10)
print("version", answer.model_spec.version.value, "on track", dict(call.initial_metadata())["x-model-track"])
print(answer.outputs)
"""


def curl_line(gateway: str, model: str, trip: Mapping[str, Any]) -> str:
    """A shell line that asks for one prediction over REST, and shows the headers too."""
    body = json.dumps({"instances": [dict(trip)]})
    return f"curl -si -X POST -d {shlex.quote(body)} http://{gateway}/v1/models/{model}:predict"


def grpc_script(gateway: str, model: str, trip: Mapping[str, Any]) -> str:
    """A Python program that asks for one prediction over gRPC."""
    return _GRPC.format(trip=json.dumps(dict(trip)), model=model, gateway=gateway)


def try_curl(line: str) -> str | None:
    """Run the line as a person would; None when it was answered well, else what went wrong. None too without curl."""
    asked = subprocess.run(
        ["sh", "-c", line.replace("curl -si", "curl -sSf")], capture_output=True, text=True, timeout=CALL_SECONDS
    )
    if asked.returncode == 127:
        return None
    if asked.returncode != 0 or "predictions" not in asked.stdout:
        return (asked.stderr or asked.stdout).strip() or f"curl ended with {asked.returncode}"
    return None


def try_script(script: Path, python: str) -> str | None:
    """Run the program as a person would; None when it printed a version, else what went wrong."""
    asked = subprocess.run([python, str(script)], capture_output=True, text=True, timeout=CALL_SECONDS)
    if asked.returncode != 0 or not asked.stdout.startswith("version "):
        return asked.stderr.strip().splitlines()[-1] if asked.stderr.strip() else f"it ended with {asked.returncode}"
    return None
