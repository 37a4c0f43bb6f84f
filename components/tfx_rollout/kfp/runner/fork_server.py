"""A process that has imported what every task needs, and forks for each task.

Started by `ForkLauncher` as `python -m tfx_rollout.kfp.runner.fork_server FD MODULE…`. It
starts no threads of its own and does nothing but import, so that a fork is sound. It
speaks lines of JSON over the socket FD: first what became of the imports, then for each
request the pid and, at its end, the wait status. It ends when the socket does.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from tfx_rollout.kfp.runner.process_group import kill_group
from tfx_rollout.serving.tether import PR_SET_PDEATHSIG


def main(argv: Sequence[str]) -> int:
    """Serves until the socket ends, or is a task's own process, whose exit code it returns."""
    channel = socket.socket(fileno=int(argv[0]))
    began = time.monotonic()
    libc = ctypes.CDLL(None)
    with channel, channel.makefile("r", encoding="utf-8") as requests, channel.makefile("w", encoding="utf-8") as answers:
        try:
            for module in argv[1:]:
                import_module(module)
        except Exception as fault:  # noqa: BLE001 told to the launcher, which says it to the user
            _answer(answers, fault=f"{type(fault).__name__}: {fault}")
            return 1
        # Threads below Python (OpenBLAS, jemalloc) see to forks themselves; what a Python thread holds stays locked.
        _answer(answers, seconds=time.monotonic() - began, threads=threading.active_count())
        for line in requests:
            request = json.loads(line)
            # What is still to be written is this process's, and must not be written by the child, too.
            sys.stdout.flush()
            sys.stderr.flush()
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != server:
                    return 1
                break
            _lead_a_group(pid)
            _answer(answers, pid=pid)
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            # What it left behind goes with it, as with a pod.
            kill_group(pid)
            _, status = os.waitpid(pid, 0)
            _answer(answers, code=os.waitstatus_to_exitcode(status))
        else:
            return 0
    # The socket is closed here, in the child alone.
    return _run(request)


def _run(request: Mapping[str, Any]) -> int:
    """Becomes the task: `python -m` or `-c` with a program and arguments, in its folder and environment, into its log."""
    _lead_a_group(os.getpid())
    _redirect(request["log"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [request["program"] if request["kind"] == "-m" else "-c", *request["arguments"]]
    sys.path[0] = request["folder"]
    for folder in reversed(request["environment"].get("PYTHONPATH", "").split(os.pathsep)):
        if folder and folder not in sys.path:
            sys.path.insert(1, folder)
    with warnings.catch_warnings():
        # The module may well be imported already: that is what the server is for.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="runpy")
        if request["kind"] == "-m":
            runpy.run_module(request["program"], run_name="__main__", alter_sys=True)
        else:
            exec(compile(request["program"], "<string>", "exec"), {"__name__": "__main__"})
    return 0


def _lead_a_group(pid: int) -> None:
    # Said by parent and child both, so that it holds before either goes on.
    try:
        os.setpgid(pid, pid)
    except (PermissionError, ProcessLookupError):
        return


def _redirect(log: str) -> None:
    with Path(log).open("ab") as file, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _answer(answers: IO[str], **facts: Any) -> None:
    answers.write(json.dumps(facts) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
