"""The options of `tfx-rollout serve` that are about the HTTP API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from tfx_rollout.supervisor import ApiSettings

F = TypeVar("F", bound=Callable[..., None])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option("--no-api", is_flag=True, help="Without the HTTP API and its page."),
    click.option("--api-host", default="127.0.0.1", show_default=True, help="Address that the HTTP API and its page listen on."),
    click.option(
        "--api-port",
        default=8600,
        show_default=True,
        type=click.IntRange(0, 65535),
        help="Port of the HTTP API; 0 for a free one.",
    ),
    click.option("--api-tls-cert", type=_FILE, help="Certificate of the HTTP API with its chain, PEM."),
    click.option("--api-tls-key", type=_FILE, help="Key of that certificate, PEM."),
    click.option("--api-insecure", is_flag=True, help="Let the HTTP API listen beyond this machine without TLS."),
    click.option("--api-name", multiple=True, help="A name that the HTTP API is called by; may be given again."),
    click.option("--api-rate", type=click.FloatRange(0, min_open=True), help="Requests a second that one caller may make."),
    click.option("--api-body-limit", type=click.IntRange(1), help="Bytes that the body of a request may have."),
    click.option("--api-feedback-limit", type=click.IntRange(1), help="Bytes that a body of feedback may have."),
    click.option("--api-watchers", type=click.IntRange(1), help="How many may follow events at once."),
    click.option(
        "--api-connections-each",
        type=click.IntRange(1),
        help="Connections that one address of another machine may have; raise it for a proxy there.",
    ),
)


def api_options(command: F) -> F:
    """Adds the options to a command; `api_settings` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def api_settings(
    root: Path,
    local: Path | None,
    *,
    no_api: bool,
    api_host: str,
    api_port: int,
    api_tls_cert: Path | None,
    api_tls_key: Path | None,
    api_insecure: bool,
    api_name: tuple[str, ...],
    api_rate: float | None,
    api_body_limit: int | None,
    api_feedback_limit: int | None,
    api_watchers: int | None,
    api_connections_each: int | None,
) -> ApiSettings | None:
    """What the options say of the API; None where there is to be none. Raises `InvalidInput` where it may not be started so."""
    if no_api:
        return None
    from tfx_rollout.control.http.settings import ApiOptions
    from tfx_rollout.control.http.starting import check_start
    from tfx_rollout.supervisor import ApiSettings

    check_start(ApiOptions(root, local, api_host, api_port, api_tls_cert, api_tls_key, api_insecure))
    limits = {
        "--requests-per-second": api_rate,
        "--body-bytes": api_body_limit,
        "--feedback-bytes": api_feedback_limit,
        "--watchers": api_watchers,
        "--connections-each": api_connections_each,
    }
    names = [word for name in api_name for word in ("--name", name)]
    return ApiSettings(
        host=api_host,
        port=api_port,
        tls_cert=None if api_tls_cert is None else api_tls_cert.absolute(),
        tls_key=None if api_tls_key is None else api_tls_key.absolute(),
        insecure=api_insecure,
        options=(*names, *(word for name, limit in limits.items() if limit is not None for word in (name, str(limit)))),
    )
