"""What Envoy says of itself: its admin interface (loopback only), and the heartbeat on its listener."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from email.message import Message
from urllib.parse import quote

from tfx_rollout.gateway.naming import HEARTBEAT_PATH, ROUTE_TABLE, ROUTES_HEADER, STAT_PREFIX

_CLUSTERS = "cluster_manager.cds"
_ROUTES = f"http.{STAT_PREFIX}.rds.{ROUTE_TABLE}"
_ACTIVE = f"http.{STAT_PREFIX}.downstream_rq_active"


@dataclass(frozen=True)
class Confirmation:
    """What Envoy says about one kind of discovery file."""

    version: str | None
    """The version in force, None before the first."""
    refusals: int
    """How many files it has refused since its start."""


@dataclass(frozen=True)
class Confirmations:
    """What Envoy says about its clusters and its routes."""

    clusters: Confirmation
    routes: Confirmation

    @property
    def versions(self) -> tuple[str | None, str | None]:
        """The versions in force of clusters and routes."""
        return self.clusters.version, self.routes.version


class AdminClient:
    """Asks the admin interface. Every method raises `OSError` when there is no answer."""

    def __init__(self, port: int, *, timeout_s: float = 5.0) -> None:
        self._port, self._timeout_s = port, timeout_s

    def ready(self) -> bool:
        """Whether Envoy listens and has read its first clusters and routes."""
        try:
            status, _ = self._ask("GET", "/ready")
        except OSError:
            return False
        return status == 200

    def confirmations(self) -> Confirmations:
        """Which versions of clusters and routes are in force, and what was refused."""
        stats = self.statistics(rf"^({_CLUSTERS}|{_ROUTES})\.(version_text|update_rejected|update_failure)$")
        return Confirmations(_confirmation(stats, _CLUSTERS), _confirmation(stats, _ROUTES))

    def statistics(self, names: str) -> dict[str, str]:
        """Envoy's statistics whose names match this regular expression, as text."""
        _, body = self._ask("GET", f"/stats?filter={quote(names)}")
        pairs = (line.partition(": ") for line in body.decode().splitlines())
        return {name: value.strip('"') for name, _, value in pairs}

    def active_requests(self) -> int:
        """Requests of clients under way now, the gateway's own heartbeat among them."""
        return int(self.statistics(f"^{_ACTIVE}$").get(_ACTIVE, "0"))

    def drain(self) -> None:
        """Asks every client to finish its requests and leave, and takes no new connection from now on."""
        self._post("/drain_listeners?graceful")
        # Graceful alone goes on listening until the drain time is over: a client that came in the very
        # moment of the end would have its connection accepted and then cut.
        self._post("/drain_listeners")

    def reopen_logs(self) -> None:
        """Makes Envoy close its logs and open them again by their names."""
        self._post("/reopen_logs")

    def _post(self, path: str) -> None:
        status, body = self._ask("POST", path)
        if status != 200:
            raise OSError(f"POST {path} was answered with {status}: {body.decode(errors='replace').strip()}")

    def _ask(self, method: str, path: str) -> tuple[int, bytes]:
        status, _, body = _exchange("127.0.0.1", self._port, method, path, self._timeout_s)
        return status, body


def routes_in_use(host: str, port: int, *, timeout_s: float = 5.0) -> str | None:
    """The version of the routes that the worker behind this listener uses; `OSError` when it does not answer."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    _, headers, _ = _exchange(loopback, port, "GET", HEARTBEAT_PATH, timeout_s)
    return headers.get(ROUTES_HEADER)


def _exchange(host: str, port: int, method: str, path: str, timeout_s: float) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{method} {path} was not answered: {error!r}") from error
    finally:
        connection.close()


def _confirmation(stats: dict[str, str], prefix: str) -> Confirmation:
    refusals = sum(int(stats.get(f"{prefix}.{kind}", "0")) for kind in ("update_rejected", "update_failure"))
    return Confirmation(stats.get(f"{prefix}.version_text") or None, refusals)
