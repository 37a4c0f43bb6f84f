"""The live setup as a process of its own: `tfx-rollout serve`, its events shown as they come."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tfx_rollout.errors import GatewayFailed
from tfx_rollout.serving import tethered
from tfx_rollout.supervisor.presence import running_supervisor

READY_SECONDS = 60.0
STOP_SECONDS = 40.0


class LiveSetup:
    """Serves `root` while it is entered. `tell` gets every line that the supervisor prints."""

    def __init__(self, root: Path, port: int, tell: Callable[[str], None]) -> None:
        self.root, self.port, self._tell = root, port, tell
        self.gateway = ""
        """`host:port` for clients."""
        self.page = ""
        """Address of the web page, which shows and steers all of it; the HTTP API is under it."""
        self._process: subprocess.Popen[str] | None = None
        self._last_line = ""

    def __enter__(self) -> LiveSetup:
        serve = ["serve", str(self.root), "--port", str(self.port), "--api-port", "0", "--tethered"]
        command = [sys.executable, "-m", "tfx_rollout.cli", *serve]
        self._process = subprocess.Popen(tethered(command), stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._follow, daemon=True, name="supervisor's lines").start()
        deadline = time.monotonic() + READY_SECONDS
        while (info := running_supervisor(self.root)) is None:
            if self._process.poll() is not None:
                raise GatewayFailed(f"could not be brought up ({self._last_line or 'no reason given'})")
            if time.monotonic() > deadline:
                self._process.kill()
                raise GatewayFailed(f"was not up after {READY_SECONDS:g} seconds ({self._last_line or 'no reason given'})")
            time.sleep(0.1)
        self.gateway = info.gateway_address
        self.page = f"http://{info.api_address}/"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self) -> None:
        """Until the supervisor ends, by Ctrl-C or by itself."""
        assert self._process is not None
        self._process.wait()

    def _follow(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last_line = line.rstrip()
            self._tell(self._last_line)
