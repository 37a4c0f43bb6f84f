"""`python -m tfx_rollout.control`: the process of the HTTP API, which the supervisor starts.

It can be started by hand as well, for a root that no supervisor serves on this host.
"""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from tfx_rollout.control.http.settings import ApiOptions, Limits
from tfx_rollout.control.standing_back import stand_back
from tfx_rollout.errors import InvalidInput, RolloutError

PURPOSE = "the HTTP API's port"

LIMITS = {
    "body_bytes": int,
    "feedback_bytes": int,
    "requests_per_second": float,
    "burst": int,
    "watchers": int,
    "watchers_each": int,
    "connections": int,
    "connections_each": int,
}
"""Those of `Limits` that the command line may set."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the API until it is told to stop; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    given = _parser().parse_args(arguments)
    options = read_options(given)
    try:
        # Here, so that --help needs none of it.
        from tfx_rollout.control.http.server import ApiServer
        from tfx_rollout.control.http.starting import check_start
        from tfx_rollout.serving.ports import listening

        if not options.root.is_dir():
            raise InvalidInput(f"There is no folder {options.root}; give the root that `tfx-rollout serve` serves.")
        check_start(options)
        stand_back()
        listener = listening(options.host, options.port, PURPOSE) if given.fd is None else socket.socket(fileno=given.fd)
        ApiServer(options, listener).serve_until_stopped()
    except RolloutError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def read_options(given: argparse.Namespace) -> ApiOptions:
    """The options that a command line gives."""
    limits = {name: getattr(given, name) for name in LIMITS if getattr(given, name) is not None}
    return ApiOptions(
        root=given.root.absolute(),
        local=None if given.local is None else given.local.absolute(),
        host=given.host,
        port=given.port,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        insecure=given.insecure,
        names=tuple(given.name),
        limits=Limits(**limits),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tfx_rollout.control", description="The HTTP API of a root.")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--local", type=Path, help="what belongs to this host alone; the root where it is left out")
    parser.add_argument("--host", default=ApiOptions.host)
    parser.add_argument("--port", type=int, default=ApiOptions.port)
    parser.add_argument("--fd", type=int, help="the socket that listens already, as a descriptor that this process inherits")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--insecure", action="store_true", help="listen beyond loopback without TLS")
    parser.add_argument("--name", action="append", default=[], help="a further name of this server; may be given again")
    for name, kind in LIMITS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, type=kind)
    return parser


if __name__ == "__main__":
    sys.exit(main())
