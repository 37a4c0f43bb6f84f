"""`tfx-rollout serve` and `tfx-rollout stop`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tfx_rollout.supervisor import ApiSettings

_LOCAL = click.option(
    "--local",
    type=click.Path(path_type=Path),
    help="Folder for what belongs to this host alone; needed where several hosts share ROOT.  [default: ROOT]",
)
_GRACE = click.option(
    "--grace", default=30.0, show_default=True, type=click.FloatRange(0), help="Seconds that running requests get at the stop."
)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every one.")
@click.option("--port", default=8500, show_default=True, type=click.IntRange(1, 65535), help="Port for clients, REST and gRPC.")
@click.option(
    "--admin-port", type=click.IntRange(1, 65535), help="Port of the gateway's own interface on 127.0.0.1.  [default: a free one]"
)
@_GRACE
@click.option("--tethered", is_flag=True, help="End gateway and model servers with this process, however it ends.")
@click.option("--standby", is_flag=True, help="Wait while another supervisor serves ROOT, and take over when it is gone.")
@_LOCAL
@click.option("--no-api", is_flag=True, help="Without the HTTP API and its page.")
@click.option("--api-host", default="127.0.0.1", show_default=True, help="Address that the HTTP API and its page listen on.")
@click.option(
    "--api-port", default=8600, show_default=True, type=click.IntRange(0, 65535), help="Port of the HTTP API; 0 for a free one."
)
@click.option("--api-tls-cert", type=_FILE, help="Certificate of the HTTP API, PEM; its chain with it.")
@click.option("--api-tls-key", type=_FILE, help="Key of that certificate, PEM.")
@click.option("--api-insecure", is_flag=True, help="Let the HTTP API listen beyond this machine without TLS.")
@click.option("--api-name", multiple=True, help="A name that the HTTP API is called by; may be given again.")
@click.option("--api-rate", type=click.FloatRange(0, min_open=True), help="Requests a second that one caller may make.")
@click.option("--api-body-limit", type=click.IntRange(1), help="Bytes that the body of a request may have.")
@click.option("--api-feedback-limit", type=click.IntRange(1), help="Bytes that a body of feedback may have.")
@click.option("--api-watchers", type=click.IntRange(1), help="How many may follow events at once.")
def serve(
    root: Path,
    host: str,
    port: int,
    admin_port: int | None,
    grace: float,
    tethered: bool,
    standby: bool,
    local: Path | None,
    no_api: bool,
    **api: Any,
) -> None:
    """Serve every model of ROOT behind one address, until stopped by Ctrl-C or SIGTERM.

    ROOT is made when it is missing. Its models are pushed by `tfx-rollout push` or by a
    pipeline; what serves how much is changed by rollouts only. One line per event goes to
    stderr. A stop lets running requests finish. When this process is killed, gateway and
    model servers go on serving: started again, it goes on with them; `tfx-rollout stop ROOT`
    ends them.

    The HTTP API and its page listen on a port of their own, on this machine alone unless told
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
        api=None if no_api else _api_settings(root, local, **api),
    ).run()


def _api_settings(
    root: Path,
    local: Path | None,
    *,
    api_host: str,
    api_port: int,
    api_tls_cert: Path | None,
    api_tls_key: Path | None,
    api_insecure: bool,
    api_name: tuple[str, ...],
    **limits: float | None,
) -> ApiSettings:
    """What the options say of the API. Raises `InvalidInput` where it may not be started so."""
    from tfx_rollout.control.http.settings import ApiOptions
    from tfx_rollout.control.http.starting import check_start
    from tfx_rollout.supervisor import ApiSettings

    check_start(
        ApiOptions(
            root=root,
            local=local,
            host=api_host,
            port=api_port,
            tls_cert=api_tls_cert,
            tls_key=api_tls_key,
            insecure=api_insecure,
        )
    )
    words = {
        "--requests-per-second": limits["api_rate"],
        "--body-bytes": limits["api_body_limit"],
        "--feedback-bytes": limits["api_feedback_limit"],
        "--watchers": limits["api_watchers"],
    }
    options = [word for name in api_name for word in ("--name", name)]
    options += [word for name, value in words.items() if value is not None for word in (name, str(value))]
    return ApiSettings(
        host=api_host,
        port=api_port,
        tls_cert=None if api_tls_cert is None else api_tls_cert.absolute(),
        tls_key=None if api_tls_key is None else api_tls_key.absolute(),
        insecure=api_insecure,
        options=tuple(options),
    )


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
