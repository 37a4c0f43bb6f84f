"""A child process that ends with its parent: a tiny program between `fork` and the real command.

Run as a script, it asks the kernel for SIGTERM at the parent's death (`prctl(2)`,
PR_SET_PDEATHSIG, kept over `execve`), then becomes the command. A `preexec_fn` would do
the same but may dead-lock in a process with threads.

The kernel means the *thread* that started the child: start tethered children from a
thread that lives as long as they should.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def tethered(command: Sequence[str]) -> list[str]:
    """The command that runs `command` so that it gets SIGTERM when the calling process dies."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(argv: Sequence[str]) -> None:
    """Becomes `argv[1:]`, tethered to the process `argv[0]`; does not return."""
    parent, command = int(argv[0]), list(argv[1:])
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        # It died before the call above, so no signal will ever come.
        sys.exit(f"the process {parent} that wanted {command[0]} is gone")
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
