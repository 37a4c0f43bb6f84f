"""`tfx-rollout serve` and `tfx-rollout stop`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tfx_rollout.cli.serve_api import api_options, api_settings

_LOCAL = click.option(
    "--local",
    type=click.Path(path_type=Path),
    help="Folder for what belongs to this host alone; needed where several hosts share ROOT.  [default: ROOT]",
)
_GRACE = click.option(
    "--grace", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds that running requests get at the stop."
)


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every one.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(1, 65535), help="Port for clients, REST and gRPC.")
@click.option(
    "--admin-port", type=click.IntRange(1, 65535), help="Port of the gateway's own interface on 127.0.0.1.  [default: a free one]"
)
@_GRACE
@click.option(
    "--request-timeout",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.001, 3600),
    help="Seconds after which the gateway gives up a request.",
)
@click.option(
    "--max-request-mb",
    default=64,
    show_default=True,
    type=click.IntRange(1, 2047),
    help="Largest body of a request in MiB; each gRPC request under way may take so much memory.",
)
@click.option("--tethered", is_flag=True, help="End gateway and model servers with this process, however it ends.")
@click.option("--standby", is_flag=True, help="Wait while another supervisor serves ROOT, and take over when it is gone.")
@_LOCAL
@api_options
def serve(
    root: Path,
    host: str,
    port: int,
    admin_port: int | None,
    grace: float,
    request_timeout: float,
    max_request_mb: int,
    tethered: bool,
    standby: bool,
    local: Path | None,
    **api: Any,
) -> None:
    """Serve every model of ROOT behind one address, until stopped by Ctrl-C or SIGTERM.

    ROOT is made when it is missing. Its models are pushed by `tfx-rollout push` or by a
    pipeline; what serves how much is changed by rollouts only. One line per event goes to
    stderr. A stop lets running requests finish. When this process is killed, gateway and
    model servers go on serving: started again, it goes on with them; `tfx-rollout stop ROOT`
    ends them.

    The HTTP API and its page have a port of their own, on this machine alone unless told
    otherwise. Beyond it they take TLS and tokens (`tfx-rollout token create`).
    """
    from tfx_rollout.supervisor import Supervisor

    _log_events()
    Supervisor(
        root,
        host=host,
        port=port,
        admin_port=admin_port,
        grace_s=grace,
        tethered=tethered,
        standby=standby,
        local=local,
        request_timeout_s=request_timeout,
        max_request_bytes=max_request_mb * 2**20,
        api=api_settings(root, local, **api),
    ).run()


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@_GRACE
@_LOCAL
def stop(root: Path, grace: float, local: Path | None) -> None:
    """End what goes on serving ROOT on this host after its supervisor was killed.

    A supervisor that runs is stopped by Ctrl-C or SIGTERM instead.
    """
    from tfx_rollout.supervisor import stop_left_over

    _log_events()
    ended = stop_left_over(root, grace_s=grace, local=local)
    click.echo(f"ended: {', '.join(ended)}" if ended else f"Nothing serves {root} on this host.")


def _log_events() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
