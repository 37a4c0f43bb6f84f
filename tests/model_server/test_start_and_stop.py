import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

pytestmark = pytest.mark.integration


def run_to_its_end(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tfx_rollout.model_server", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_server_that_cannot_start_says_why_and_exits_with_255():
    ended = run_to_its_end("--model_base_path=relative")
    assert (ended.returncode, ended.stdout) == (
        255,
        "Failed to start server. Error: INVALID_ARGUMENT: Expected model default to have an absolute path or URI; "
        "got base_path()=relative\n",
    )


def test_a_bad_text_proto_is_explained_on_stderr(tmp_path):
    config = tmp_path / "models.config"
    config.write_text("model_config_list { nonsense")
    ended = run_to_its_end(f"--model_config_file={config}")
    assert ended.returncode == 255
    assert ended.stdout == f"Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '{config}'\n"
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig: " in ended.stderr


def test_a_model_that_cannot_be_loaded_ends_the_start(tmp_path):
    (tmp_path / "base" / "7").mkdir(parents=True)
    ended = run_to_its_end("--model_name=m", f"--model_base_path={tmp_path / 'base'}", "--max_num_load_retries=0")
    assert ended.returncode == 255
    assert ended.stdout.startswith(
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: "
        "{{{name: m version: 7} due to error: NOT_FOUND: Could not find SavedModel .pb or .pbtxt"
    )


def test_an_unreadable_flag_ends_the_start_with_the_usage():
    ended = run_to_its_end("--port=eighty")
    assert ended.returncode == 255
    assert "Couldn't interpret value eighty for flag port." in ended.stdout
    assert "--model_config_file=" in ended.stdout


def test_the_version_is_told_without_loading_tensorflow():
    ended = run_to_its_end("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("TensorFlow ModelServer: ")


def test_a_taken_grpc_port_is_a_failure_to_start(saved_models):
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        ended = run_to_its_end(f"--port={port}", f"--model_base_path={saved_models / 'affine'}")
    assert (ended.returncode, ended.stdout) == (
        255,
        "Failed to start server. Error: INVALID_ARGUMENT: Failed to BuildAndStart gRPC server\n",
    )


def test_ports_stay_closed_until_a_version_is_there_and_sigterm_still_ends_the_wait(start, saved_models, tmp_path, wire):
    base = tmp_path / "base"
    base.mkdir()
    waiting = start("--model_name=m", f"--model_base_path={base}", ready=False)
    wire.await_that(lambda: "No versions of servable m found" in waiting.log.read_text())
    assert not waiting.rest_answers()
    waiting.process.terminate()
    assert waiting.process.wait(30) != 0

    served = start("--model_name=m", f"--model_base_path={base}", "--no_such_flag", ready=False)
    wire.await_that(lambda: "No versions of servable m found" in served.log.read_text())
    (base / "1").symlink_to(saved_models / "affine" / "1")
    served.await_serving()
    assert served.rest_predict("m", [0]) == [1.0]
    assert "unknown argument: --no_such_flag" in served.output.read_text()


@pytest.mark.parametrize("face", ["grpc", "rest"])
def test_sigterm_finishes_the_running_request_and_refuses_new_ones(start, saved_models, wire, face):
    server = start("--model_name=affine", f"--model_base_path={saved_models / 'affine'}")
    running = _send_slow(server, wire, face)
    server.process.send_signal(signal.SIGTERM)
    wire.await_that(lambda: "Stopping" in server.log.read_text())
    wire.await_that(lambda: not _port_is_open(server.port) and not _port_is_open(server.rest_port))
    assert running() == 3.0
    assert server.process.wait(30) == 0


def _send_slow(server, wire, face):
    """Starts a request of about a second; returns the function that waits for its answer."""
    steps = 60_000
    if face == "grpc":
        request = wire.predict_request("affine", "spin", steps=np.int32(steps))
        future = server.prediction.Predict.future(request, timeout=60)
        _await_busy(server, wire)
        return lambda: future.result().outputs["offset"].float_val[0]
    pool = ThreadPoolExecutor(1)
    body = {"signature_name": "spin", "inputs": steps}
    answer = pool.submit(server.http.post, "/v1/models/affine:predict", json=body)
    _await_busy(server, wire)
    return lambda: answer.result(60).json()["outputs"]["offset"]


def _await_busy(server, wire) -> None:
    """Until the server's process has used CPU for the request."""

    def used() -> int:
        return int(Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11])

    before = used()
    wire.await_that(lambda: used() > before + 5)


def _port_is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_run_that_outlives_the_grace_is_cut(start, saved_models, wire):
    server = start(
        "--model_name=affine", f"--model_base_path={saved_models / 'affine'}", env={"TFX_ROLLOUT_STOP_GRACE_SECONDS": "0.5"}
    )
    future = server.prediction.Predict.future(wire.predict_request("affine", "spin", steps=np.int32(10**9)), timeout=60)
    _await_busy(server, wire)
    server.process.terminate()
    assert server.process.wait(30) == 0
    assert isinstance(future.exception(10), grpc.RpcError)


def test_where_the_light_runtime_fails_the_server_starts_again_with_the_full_one(start, tmp_path, wire):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if os.environ.get('TFX_ROLLOUT_TF_RUNTIME') != 'full':\n"
        "    sys.modules['tensorflow.python._pywrap_tfe'] = None\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    server = start("--model_base_path=/nowhere", env={"PYTHONPATH": path}, ready=False)
    environment = Path(f"/proc/{server.process.pid}/environ")
    wire.await_that(lambda: b"TFX_ROLLOUT_TF_RUNTIME=full" in environment.read_bytes())
    assert "starting again with the full import" in server.log.read_text()


def test_a_custom_op_that_is_not_registered_is_named(saved_models):
    ended = run_to_its_end(f"--model_base_path={saved_models / 'custom_op'}", "--max_num_load_retries=0")
    assert ended.returncode == 255
    assert "SentencepieceOfNobody" in ended.stdout
    assert "TFX_ROLLOUT_TF_OP_MODULES" in ended.stdout
