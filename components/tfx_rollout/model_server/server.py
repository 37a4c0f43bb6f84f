"""Builds a server from its flags, runs it until SIGTERM or SIGINT, and stops it without cutting a running request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tensorflow.core.protobuf import config_pb2

from tfx_rollout.model_server.config_proto import read_server_config, read_text_proto
from tfx_rollout.model_server.config_source import ConfigSource
from tfx_rollout.model_server.core import ServerCore
from tfx_rollout.model_server.flags import Flags
from tfx_rollout.model_server.grpc_face import GrpcFace
from tfx_rollout.model_server.listeners import RestListener, rest_socket, start_grpc
from tfx_rollout.model_server.manager import LoadPolicy, Manager
from tfx_rollout.model_server.model_config import single_model
from tfx_rollout.model_server.prediction_log import PredictionLog
from tfx_rollout.model_server.predictor import Predictor
from tfx_rollout.model_server.rest_face import RestFace
from tfx_rollout.model_server.runtime import Runtime
from tfx_rollout.model_server.saved_model import SavedModelLoader
from tfx_rollout.model_server.storage_source import StorageSource
from tfx_rollout.model_server.threads import at_once, behind_requests

_log = logging.getLogger(__name__)
_CLOSING_S = 1.0


def session_config(flags: Flags) -> bytes:
    """The serialized ConfigProto of every session."""
    config = config_pb2.ConfigProto()
    if flags.tensorflow_session_config_file:
        read_text_proto(Path(flags.tensorflow_session_config_file), config)
    config.gpu_options.per_process_gpu_memory_fraction = flags.per_process_gpu_memory_fraction
    if flags.tensorflow_intra_op_parallelism > 0 or flags.tensorflow_inter_op_parallelism > 0:
        config.intra_op_parallelism_threads = flags.tensorflow_intra_op_parallelism
        config.inter_op_parallelism_threads = flags.tensorflow_inter_op_parallelism
    else:
        config.intra_op_parallelism_threads = flags.tensorflow_session_parallelism
        config.inter_op_parallelism_threads = flags.tensorflow_session_parallelism
    return bytes(config.SerializeToString())


class ModelServer:
    """All parts of one server, from its flags."""

    def __init__(self, flags: Flags, runtime: Runtime) -> None:
        self._flags = flags
        self._loader = SavedModelLoader(
            runtime,
            tags=flags.saved_model_tags.split(","),
            session_config=session_config(flags),
            warm=flags.enable_model_warmup,
            run_heavy=at_once,
        )
        policy = LoadPolicy(
            retries=flags.max_num_load_retries,
            interval_s=flags.load_retry_interval_micros / 1e6,
            at_once=max(flags.num_load_threads, 1),
        )
        self._manager = Manager(self._loader.load, policy)
        self._source = StorageSource(self._manager.set_aspired, flags.file_system_poll_wait_seconds)
        self._core = ServerCore(
            self._manager,
            self._source,
            allow_labels_for_unavailable=flags.allow_version_labels_for_unavailable_models,
        )

    def load(self) -> None:
        """Applies the first configuration and waits for the models; ServingError when the server must not start."""
        flags = self._flags
        if flags.model_config_file:
            config = read_server_config(Path(flags.model_config_file))
        else:
            config = single_model(flags.model_name, flags.model_base_path)
        self._core.start(config)

    async def serve(self, *, grace_s: float) -> None:
        """Opens the ports and answers until SIGTERM or SIGINT; then finishes running requests for at most `grace_s`."""
        flags = self._flags
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop.set)
        threads = flags.grpc_max_threads or 4 * (os.cpu_count() or 1)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="run")
        predictor = Predictor(pool, check_method_name=flags.enable_signature_method_name_check)
        self._loader.run_heavy = behind_requests
        log = PredictionLog.from_environment()
        grpc_server = await start_grpc(flags, GrpcFace(self._core, predictor, log).handlers())
        rest = await self._start_rest(predictor, log, grace_s)
        config_source = None
        if flags.model_config_file and flags.model_config_file_poll_wait_seconds > 0:
            config_source = ConfigSource(self._core, Path(flags.model_config_file), flags.model_config_file_poll_wait_seconds)
            config_source.start()
        await stop.wait()
        _log.info("Stopping: new requests are refused, running ones have %g s.", grace_s)
        if config_source is not None:
            config_source.stop()
        self._source.stop()
        stops = [asyncio.create_task(grpc_server.stop(grace_s))]
        if rest is not None:
            stops.append(asyncio.create_task(rest.stop()))
        await asyncio.wait(stops, timeout=grace_s + _CLOSING_S)
        if log is not None:
            log.close()

    async def _start_rest(self, predictor: Predictor, log: PredictionLog | None, grace_s: float) -> RestListener | None:
        flags = self._flags
        if not flags.rest_api_port:
            return None
        if flags.rest_api_port == flags.port:
            _log.error(
                "server_options.http_port cannot be same as grpc_port. Please use a different port for HTTP/REST API. "
                "Skipped exporting HTTP/REST API."
            )
            return None
        try:
            sock = rest_socket(flags.rest_api_port)
        except OSError as error:
            _log.error("Failed to start HTTP Server at localhost:%d: %s", flags.rest_api_port, error)
            return None
        face = RestFace(
            self._core,
            predictor,
            log,
            timeout_s=flags.rest_api_timeout_in_ms / 1000,
            cors=flags.rest_api_enable_cors_support,
        )
        listener = RestListener(face, sock, grace_s)
        await listener.start()
        _log.info("Exporting HTTP/REST API at:localhost:%d ...", flags.rest_api_port)
        return listener
