"""Clients of the live setup: held-back trips, replayed by a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tfx_rollout.errors import GatewayFailed
from tfx_rollout.serving import tethered

LONGEST_SECONDS = 3600
STOP_SECONDS = 30.0


class LiveTraffic:
    """`tfx-rollout replay` between `start` and `stop`: trips at `rate` per second, half REST, half gRPC.

    Every answer is recorded in `answers` (JSON lines).
    """

    def __init__(self, *, gateway: str, model: str, trips: Path, rate: float, seed: int, answers: Path) -> None:
        self.answers = answers
        self._command = [
            *(sys.executable, "-m", "tfx_rollout.cli", "replay"),
            *("--gateway", gateway, "--model", model, "--input", str(trips)),
            *("--rate", f"{rate:g}", "--seconds", str(LONGEST_SECONDS), "--grpc-share", "0.5", "--seed", str(seed)),
            *("--record", str(answers)),
        ]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to send; returns at once."""
        self._process = subprocess.Popen(tethered(self._command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self) -> str:
        """Stop sending, wait for what is under way, and return the replayer's own summary."""
        if self._process is None:
            return ""
        self._process.send_signal(signal.SIGTERM)
        try:
            summary, complaint = self._process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise GatewayFailed("left requests of the replay unanswered for half a minute") from None
        if self._process.returncode != 0:
            raise GatewayFailed(f"could not be sent the recorded trips: {complaint.strip()}")
        self._process = None
        return summary

    def kill(self) -> None:
        """End it without a summary, when the demo itself ends early."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
