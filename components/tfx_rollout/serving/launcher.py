"""How servers are started, and whether they outlive who started them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from typing import Any, BinaryIO, Protocol

from tfx_rollout.serving.server_process import ServerProcess
from tfx_rollout.serving.tether import tethered


class Launcher(Protocol):
    """How servers are started, and whether they are found again."""

    def launch(
        self, role: str, command: Sequence[str], *, output: BinaryIO, environment: Mapping[str, str], facts: Mapping[str, Any]
    ) -> ServerProcess:
        """Starts a server in a session of its own, what it writes appended to `output`.

        `role` is its name among all servers of a root, `environment` is added to ours, and
        `facts` (JSON) is what must be known of it to work with it later.
        """

    def forget(self, role: str) -> None:
        """Says that the server is about to be ended on purpose, or has ended for good."""


class TetheredLauncher:
    """Starts servers that end with the *thread* that started them, so nothing need be remembered."""

    def launch(
        self, role: str, command: Sequence[str], *, output: BinaryIO, environment: Mapping[str, str], facts: Mapping[str, Any]
    ) -> ServerProcess:
        """See `Launcher`."""
        return ServerProcess.started(start_in_own_session(tethered(command), output, environment))

    def forget(self, role: str) -> None:
        """See `Launcher`."""


def start_in_own_session(
    command: Sequence[str], output: BinaryIO, environment: Mapping[str, str], *, descriptors: Collection[int] = ()
) -> subprocess.Popen[bytes]:
    """Starts a command whose output goes to `output`, `environment` added to ours. It inherits these open `descriptors`."""
    return subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        # Ctrl-C in a terminal reaches the whole group: the supervisor alone decides who stops when.
        start_new_session=True,
    )
