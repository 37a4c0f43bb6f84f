"""A small peer that speaks both protocols of TensorFlow Serving and says what reached it.

Run as a program: `echo_upstream.py GRPC_PORT REST_PORT`; prints `ready` when it listens, and
for each Predict the request's id with the label or path that reached it.
It knows the labels `stable` (version 1), `canary` (version 2) and the first two variants (3 and 4). A gRPC Predict answers
with the effective model_spec and the request's id; its inputs `hold` (a path) and `fail` (a status number)
make it wait until there is a file, or fail. REST answers with the path and the id it saw; the body's `hold` and `status`
do the same. Idle REST connections are closed after 5 s, as uvicorn does, and that is said.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import grpc

from tfx_rollout.serving import grpc_api

API = grpc_api()
inference_pb2 = importlib.import_module("tensorflow_serving.apis.inference_pb2")
VERSIONS = {"stable": 1, "canary": 2, "variant-b": 3, "variant-c": 4}
LATEST = 9


def tell(identity, what):
    """Says what came, on a line of its own."""
    sys.stdout.write(f"{identity} {what}\n")
    sys.stdout.flush()


def await_file(path):
    """Waits until there is such a file."""
    while not Path(path).exists():
        time.sleep(0.01)


def effective(spec):
    """Version as TensorFlow Serving resolves it: explicit, by label, or the latest."""
    choice = spec.WhichOneof("version_choice")
    if choice == "version":
        return spec.version.value
    return VERSIONS.get(spec.version_label, 0) if choice == "version_label" else LATEST


class Prediction(API.prediction_service_pb2_grpc.PredictionServiceServicer):
    def Predict(self, request, context):
        identity = dict(context.invocation_metadata()).get("x-request-id", "")
        tell(identity, request.model_spec.version_label)
        if "hold" in request.inputs:
            await_file(request.inputs["hold"].string_val[0].decode())
        if "fail" in request.inputs:
            context.abort(list(grpc.StatusCode)[request.inputs["fail"].int_val[0]], "as asked")
        answer = API.predict_pb2.PredictResponse()
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = effective(request.model_spec)
        answer.model_spec.signature_name = request.model_spec.signature_name
        answer.outputs["label"].dtype = 7
        answer.outputs["label"].string_val.append(request.model_spec.version_label.encode())
        answer.outputs["id"].dtype = 7
        answer.outputs["id"].string_val.append(identity.encode())
        answer.outputs["size"].dtype = 9
        answer.outputs["size"].int64_val.append(request.ByteSize())
        return answer

    def MultiInference(self, request, context):
        answer = inference_pb2.MultiInferenceResponse()
        for task in request.tasks:
            answer.results.add().model_spec.version.value = effective(task.model_spec)
        return answer

    def GetModelMetadata(self, request, context):
        answer = API.get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = effective(request.model_spec)
        return answer


class Status(API.model_service_pb2_grpc.ModelServiceServicer):
    def GetModelStatus(self, request, context):
        answer = API.get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add().version = LATEST
        return answer


class Rest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.whole_body()
        if body is None:
            self.close_connection = True
            return
        tell(self.headers["x-request-id"], self.path)
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        if "hold" in asked:
            await_file(asked["hold"])
        self.answer(asked.get("status", 200), {"path": self.path, "size": len(body), "id": self.headers["x-request-id"]})

    def whole_body(self):
        """None where the sender gave up; a body in chunks is read to its end, as no server answers half a question."""
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline() or b"-1", 16):
            if size < 0:
                return None
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_GET(self):
        answer = {"path": self.path}
        if self.path.endswith("/metadata"):
            inputs = {
                "company": {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": "-1"}]}},
                "fare": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1"}]}},
            }
            answer["metadata"] = {"signature_def": {"signature_def": {"serving_default": {"inputs": inputs}}}}
        self.answer(200, answer)

    def answer(self, status, data):
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_error(self, *args):
        """Of a connection on which nothing came for too long."""
        tell("-", "closed-for-silence")

    def log_message(self, *args):
        pass


class RestServer(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main(grpc_port, rest_port):
    limits = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(64), options=limits)
    API.prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(), server)
    API.model_service_pb2_grpc.add_ModelServiceServicer_to_server(Status(), server)
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    rest = RestServer(("127.0.0.1", rest_port), Rest)
    Thread(target=rest.serve_forever, daemon=True).start()
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
