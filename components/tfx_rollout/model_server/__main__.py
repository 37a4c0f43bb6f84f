"""`python -m tfx_rollout.model_server --flag=value …`: the server's process."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from importlib import metadata

from tfx_rollout import __version__
from tfx_rollout.model_server.flag_rules import check_flags
from tfx_rollout.model_server.flags import Flags, parse, usage
from tfx_rollout.model_server.runtime import RUNTIME_VARIABLE, LightRuntimeUnavailable, choose_runtime
from tfx_rollout.model_server.status import ServingError

PROGRAM = "tfx_rollout.model_server"
FAILURE = 255
GRACE_VARIABLE = "TFX_ROLLOUT_STOP_GRACE_SECONDS"
"""Environment variable: seconds that running requests have to finish after SIGTERM (default 10)."""

_log = logging.getLogger(PROGRAM)


def main(arguments: list[str]) -> int:
    """Runs the server; returns the process's exit code."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s] %(message)s")
    command_line = parse(arguments)
    if command_line.faults:
        print(*command_line.faults, usage(PROGRAM), sep="\n", flush=True)
        return FAILURE
    flags = command_line.flags
    if flags.version:
        print(f"TensorFlow ModelServer: tfx-rollout {__version__}")
        print(f"TensorFlow Library: {metadata.version('tensorflow')}", flush=True)
        return 0
    if command_line.unknown:
        print(f"unknown argument: {command_line.unknown[0]}", usage(PROGRAM), sep="\n", flush=True)
    for line in command_line.without_effect():
        _log.warning("%s", line)
    return _run(flags)


def _run(flags: Flags) -> int:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # A loading thread that runs Python keeps the event loop waiting for at most this long at a time.
    sys.setswitchinterval(0.001)
    try:
        check_flags(flags)
        runtime = choose_runtime()
    except ServingError as error:
        return _cannot_start(error)
    except LightRuntimeUnavailable as error:
        _log.warning("The light runtime cannot be used (%s); starting again with the full import of TensorFlow.", error)
        os.environ[RUNTIME_VARIABLE] = "full"
        os.execv(sys.executable, sys.orig_argv)
    from tfx_rollout.model_server import config_proto, server  # their protos need the runtime to be chosen first

    _log.info("Runs on the %s TensorFlow runtime.", runtime.name)
    try:
        model_server = server.ModelServer(flags, runtime)
        model_server.load()
        # Not asyncio.run, which at its end waits for every task, also for a run that outlives the grace.
        asyncio.new_event_loop().run_until_complete(model_server.serve(grace_s=float(os.environ.get(GRACE_VARIABLE, "10"))))
    except ServingError as error:
        if isinstance(error, config_proto.BadTextProto):
            print(error.detail, file=sys.stderr)
        return _cannot_start(error)
    return 0


def _cannot_start(error: ServingError) -> int:
    print(f"Failed to start server. Error: {error}", flush=True)
    return FAILURE


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    sys.stdout.flush()
    # Not sys.exit: loads may still be waiting in threads, and TensorFlow's own end is not needed.
    os._exit(code)
