"""Starting and stopping a model server: the real binary where it is installed, else the embedded one."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_rollout.errors import ServerFailed
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.serving.launcher import Launcher, TetheredLauncher
from tfx_rollout.serving.ports import accepts, free_port
from tfx_rollout.serving.rest_client import ModelServerClient
from tfx_rollout.serving.server_process import ServerProcess
from tfx_rollout.traffic import VersionState

COMMAND_VARIABLE = "TFX_ROLLOUT_MODEL_SERVER"
"""Environment variable with the command of the model server, when it should not be found by itself."""

BIND_VARIABLE = "TFX_ROLLOUT_BIND_ADDRESS"
"""Environment variable by which the embedded server is told to listen on one address only; the real binary
has nothing of the kind and listens on all."""

CONFIG_POLL_SECONDS = 1

LOAD_FLAGS = (
    # By default a model that does not load is tried six times, a minute apart, and meanwhile
    # blocks every other load. Published versions never change: a second try is for the disk only.
    "--max_num_load_retries=1",
    "--load_retry_interval_micros=1000000",
    "--num_load_threads=2",
)

REQUEST_FLAGS = (
    # As long as a gateway can be told to wait, so that it is not the server behind it that gives up first.
    "--rest_api_timeout_in_ms=3600000",
)


def model_server_command() -> list[str]:
    """The command that starts a model server, without flags.

    `TFX_ROLLOUT_MODEL_SERVER` where it is set, `tensorflow_model_server` where it is
    installed, else the embedded server run by this very Python.
    """
    chosen = os.environ.get(COMMAND_VARIABLE)
    if chosen:
        return shlex.split(chosen)
    binary = shutil.which("tensorflow_model_server")
    return [binary] if binary else [sys.executable, "-m", "tfx_rollout.model_server"]


@dataclass
class ModelServerProcess:
    """One running model server. Make it by `start` or `adopt`; only the flags of TensorFlow Serving are used.

    It follows its configuration file (polled every second) and opens its ports after the
    first load of every model in it. By default it is tethered: it ends when the *thread*
    that started it ends.
    """

    name: str
    grpc_port: int
    rest_port: int
    log_file: Path
    host: str
    _process: ServerProcess = field(repr=False)
    _log_start: int = field(repr=False)

    @classmethod
    def start(
        cls,
        name: str,
        config_file: Path,
        log_file: Path,
        *,
        host: str = "127.0.0.1",
        grpc_port: int | None = None,
        rest_port: int | None = None,
        flags: Sequence[str] = (),
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        launcher: Launcher | None = None,
    ) -> ModelServerProcess:
        """Starts a server and returns at once; ask `ModelServerClient` when it is ready.

        `host` is where clients reach it, and the only address that the embedded server listens
        on (the real binary listens on all), the ports are free ones by default, `flags` are
        added to ours, `environment` to its environment, and `log_file` is appended to. A
        `launcher` decides what becomes of it when this process dies.
        A command that cannot be run ends at once and says so in the log; `StorageFault` when
        there can be no log.
        """
        grpc_port = grpc_port or free_port()
        rest_port = rest_port or free_port()
        arguments = [
            *(command or model_server_command()),
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_config_file={config_file}",
            f"--model_config_file_poll_wait_seconds={CONFIG_POLL_SECONDS}",
            "--file_system_poll_wait_seconds=1",
            "--allow_version_labels_for_unavailable_models=true",
            *LOAD_FLAGS,
            *REQUEST_FLAGS,
            *flags,
        ]
        with storage_faults(log_file, "written"):
            log_file.parent.mkdir(parents=True, exist_ok=True)
            log = log_file.open("ab")
        with log:
            facts = {
                "grpc_port": grpc_port,
                "rest_port": rest_port,
                "log_file": str(log_file),
                "host": host,
                "log_start": log.tell(),
            }
            process = (launcher or TetheredLauncher()).launch(
                name, arguments, output=log, environment={BIND_VARIABLE: host, **(environment or {})}, facts=facts
            )
        return cls.adopt(name, process, facts)

    @classmethod
    def adopt(cls, name: str, process: ServerProcess, facts: Mapping[str, Any]) -> ModelServerProcess:
        """The server that runs in this process, by the facts that the launcher was given at its start."""
        return cls(
            name, facts["grpc_port"], facts["rest_port"], Path(facts["log_file"]), facts["host"], process, facts["log_start"]
        )

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, negative for a signal; None while it runs, and where it is not known."""
        return self._process.returncode

    @property
    def grpc_address(self) -> str:
        """`host:port` of the gRPC interface."""
        return f"{self.host}:{self.grpc_port}"

    @property
    def rest_address(self) -> str:
        """`host:port` of the REST interface."""
        return f"{self.host}:{self.rest_port}"

    def alive(self) -> bool:
        """Whether the process runs (it may still be loading)."""
        return self._process.alive()

    def lacks_rest(self) -> bool:
        """Whether it takes gRPC connections and none of REST. Where that is so for longer than a moment it stays so:
        when another process has taken the REST port since it was chosen, TensorFlow Serving says so in its log and
        serves gRPC alone."""
        return accepts(self.host, self.grpc_port) and not accepts(self.host, self.rest_port)

    def wait_available(self, model: str, version: int, *, timeout_s: float, poll_s: float = 0.05) -> None:
        """Waits until the server answers for this version.

        `ServerFailed` when the process ends, when the version ends with an error, or when
        the time is over; the sentence has the last line of the log or the load error.
        """
        deadline = time.monotonic() + timeout_s
        with ModelServerClient(self.rest_address, timeout_s=2.0) as client:
            while True:
                if not self.alive():
                    raise ServerFailed(self.name, f"ended with code {self.returncode}: {self.last_words()}", str(self.log_file))
                try:
                    status = client.version_states(model).get(version)
                except ServerFailed:
                    status = None  # its ports open only after the first load
                if status and status.state is VersionState.AVAILABLE:
                    return
                if status and status.state is VersionState.END and status.error:
                    raise ServerFailed(
                        self.name, f"could not load version {version} of model {model}: {status.error}", str(self.log_file)
                    )
                if time.monotonic() > deadline:
                    seen = f"its state is {status.state}" if status else "it does not answer"
                    raise ServerFailed(
                        self.name,
                        f"did not have version {version} of model {model} after {timeout_s:g} s ({seen})",
                        str(self.log_file),
                    )
                time.sleep(poll_s)

    def terminate(self) -> None:
        """Asks the server to end, without waiting."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends the server and whatever it started by SIGKILL, without waiting."""
        self._process.kill()

    def stop(self, grace_s: float = 10.0) -> int | None:
        """Ends the server: SIGTERM, and SIGKILL to its process group after `grace_s` seconds. Returns its exit code, if known."""
        self.terminate()
        if not self._process.wait(grace_s):
            self.kill()
            self._process.wait()
        return self.returncode

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log that this process wrote."""
        try:
            with self.log_file.open("rb") as log:
                log.seek(0, os.SEEK_END)
                # Its log may have been put aside meanwhile, and begins anew then.
                start = self._log_start if self._log_start <= log.tell() else 0
                log.seek(max(start, log.tell() - 64 * 1024))
                text = log.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def last_words(self) -> str:
        """The last line of the log that says anything."""
        return next((line.strip() for line in reversed(self.log_tail().splitlines()) if line.strip()), "its log is empty")
