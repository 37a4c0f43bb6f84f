"""`tfx-rollout serve`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every one.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(1, 65535), help="Port for clients, REST and gRPC.")
@click.option(
    "--admin-port", type=click.IntRange(1, 65535), help="Port of the gateway's own interface on 127.0.0.1.  [default: a free one]"
)
@click.option(
    "--grace", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds that running requests get at the stop."
)
def serve(root: Path, host: str, port: int, admin_port: int | None, grace: float) -> None:
    """Serve every model of ROOT behind one address, until stopped by Ctrl-C or SIGTERM.

    ROOT is made when it is missing. Its models are pushed by `tfx-rollout push` or by a
    pipeline; what serves how much is changed by rollouts only. One line per event goes to
    stderr. A stop lets running requests finish.
    """
    import logging

    from tfx_rollout.supervisor import Supervisor

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Supervisor(root, host=host, port=port, admin_port=admin_port, grace_s=grace).run()
