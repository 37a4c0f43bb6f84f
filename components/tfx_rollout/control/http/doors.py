"""What a browser must not be made to ask: the Host, Origin and Sec-Fetch-Site of a request. Pure.

There are no cookies, so a foreign page cannot use anybody's token. But while no token was
ever made, everybody at this machine may do everything, a foreign page in a browser here too.
So its requests are refused by what the browser says of them, and names that a foreign DNS
server may point at this machine (rebinding) by the Host they bring along.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers

from tfx_rollout.control.http.problems import Refused

_OWN = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for what our own page asks, and for what a person types into the address bar."""
_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_.-]+))(?::[0-9]{1,5})?")
_ONCE = ("authorization", "content-type", "content-encoding", "host", "if-match", "origin", "sec-fetch-site")
"""What is decided by these must not depend on which of two is read."""


@dataclass(frozen=True)
class Doors:
    """Which requests may come in. `names` are further names of this server.

    `any_name`: where every request needs a token there is nothing that a rebound name could
    reach, and the server may be called whatever a cluster or a proxy calls it.
    """

    names: frozenset[str]
    any_name: bool = False

    @classmethod
    def of(cls, host: str, names: tuple[str, ...], *, any_name: bool) -> Doors:
        """For a server that listens on `host`."""
        own = {"localhost", host, socket.gethostname(), *names}
        return cls(frozenset(name.lower().rstrip(".") for name in own), any_name)

    def check(self, method: str, scheme: str, headers: Headers) -> None:
        """Raises `Refused` for a request that must not come in."""
        _check_form(headers)
        host = headers.get("host", "")
        if not self._knows(host):
            raise Refused(
                421,
                "unknown-host",
                f"This server is not called {host[:100]!r}; use its address, or start it with --api-name for this name.",
            )
        self._check_site(method, headers)
        self._check_origin(method, f"{scheme}://{host}", headers)

    def _knows(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = (found["v6"] or found["name"]).lower().rstrip(".")
        return bool(name) and (self.any_name or name in self.names or _is_address(name))

    def _check_site(self, method: str, headers: Mapping[str, str]) -> None:
        site = headers.get("sec-fetch-site")
        if site is None or site in _OWN or _is_followed_link(method, headers):
            return
        raise Refused(
            403, "cross-site", f"A page of another site asked for this (Sec-Fetch-Site: {site[:40]}); open this server's own."
        )

    def _check_origin(self, method: str, own: str, headers: Mapping[str, str]) -> None:
        origin = headers.get("origin")
        if origin is None or origin.lower() == own.lower() or _is_followed_link(method, headers):
            return
        raise Refused(
            403, "cross-site", f"A page of {origin[:100]} asked for this, and this is {own[:100]}; open this server's own."
        )


def _check_form(headers: Headers) -> None:
    """Raises `Refused` for what two programs, a proxy and this one say, may understand in two ways."""
    names = headers.keys()
    twice = next((name for name in _ONCE if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        raise Refused(400, "bad-request", f"The header {twice} is there more than once; send it once.")
    if "content-length" in headers and "transfer-encoding" in headers:
        raise Refused(
            400,
            "bad-request",
            "The request has both Content-Length and Transfer-Encoding; send one of them.",
            headers={"Connection": "close"},
        )


def _is_followed_link(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person followed a link from elsewhere: the page has no data in it, and its own requests are checked again."""
    return method == "GET" and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _is_address(name: str) -> bool:
    """Whether it is an IP address, which no DNS server can point elsewhere."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
