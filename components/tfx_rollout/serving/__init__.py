"""TensorFlow Serving from outside: its configuration, its processes, its two protocols. No TensorFlow here."""

from __future__ import annotations

from tfx_rollout.serving.grpc_stubs import GrpcApi, grpc_api, model_stub, open_channel, prediction_stub
from tfx_rollout.serving.launch import ModelServerProcess, model_server_command
from tfx_rollout.serving.launcher import Launcher, TetheredLauncher
from tfx_rollout.serving.model_config import ServedModel, render_model_config, rendered_spec
from tfx_rollout.serving.ports import ensure_free, free_port
from tfx_rollout.serving.rest_client import ModelServerClient, RestAnswer, VersionStatus
from tfx_rollout.serving.server_process import ServerProcess
from tfx_rollout.serving.tether import tethered

__all__ = [
    "GrpcApi",
    "Launcher",
    "ModelServerClient",
    "ModelServerProcess",
    "RestAnswer",
    "ServedModel",
    "ServerProcess",
    "TetheredLauncher",
    "VersionStatus",
    "ensure_free",
    "free_port",
    "grpc_api",
    "model_server_command",
    "model_stub",
    "open_channel",
    "prediction_stub",
    "render_model_config",
    "rendered_spec",
    "tethered",
]
