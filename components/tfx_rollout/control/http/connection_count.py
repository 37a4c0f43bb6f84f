"""How many connections are open, in all and from each client, and whose there are too many of. Pure."""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

SPARE = 64
"""Beyond the connections that are served so many more are told that there are too many; of further ones none is looked at."""
_NETWORK_BITS = 64


class Crowding(Enum):
    """Whether a connection is one too many."""

    NONE = auto()
    OF_CLIENT = auto()
    """Its client has too many."""
    IN_ALL = auto()


class ConnectionCount:
    """Counts connections as they come and go. `most` in all, `most_each` of one client; None for any number.

    A client is an IPv4 address, or the network (/64) of an IPv6 address, of which one client has as many addresses as
    it likes. Those of this machine are bounded in all alone: behind one address there everybody may stand, be it for a
    proxy or since nobody else is let in.
    """

    def __init__(self, most: int | None, most_each: int | None, *, spare: int = SPARE) -> None:
        self._most, self._most_each, self._spare = most, most_each, spare
        self.total = 0
        """Open now."""
        self._each: Counter[str] = Counter()

    def add(self, address: str) -> bool:
        """Counts one that came from this address; whether it is looked at. One that is not is to be removed all the same."""
        self.total += 1
        client = client_at(address)
        if client is not None:
            self._each[client] += 1
        return self._excess_in_all() <= self._spare and self._excess_of(client) <= self._spare

    def remove(self, address: str) -> None:
        """Counts one from this address that is gone."""
        self.total -= 1
        client = client_at(address)
        if client is not None:
            self._each[client] -= 1
            if not self._each[client]:
                del self._each[client]

    def crowding(self, address: str) -> Crowding:
        """Whether there are too many for one from this address, which is counted, to be served now."""
        if self._excess_of(client_at(address)) > 0:
            return Crowding.OF_CLIENT
        return Crowding.IN_ALL if self._excess_in_all() > 0 else Crowding.NONE

    def _excess_in_all(self) -> int:
        return 0 if self._most is None else self.total - self._most

    def _excess_of(self, client: str | None) -> int:
        return 0 if client is None or self._most_each is None else self._each[client] - self._most_each


@lru_cache(maxsize=1024)
def client_at(address: str) -> str | None:
    """Whose an address is, as far as connections are counted; None for this machine, and for what is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return None if found.is_loopback else f"{int(found) >> (128 - _NETWORK_BITS):x}/{_NETWORK_BITS}"
        found = found.ipv4_mapped
    return None if found.is_loopback else str(found)
