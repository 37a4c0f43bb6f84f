"""Names by which the record of changes says who was no owner of a token: no token may be called so."""

from __future__ import annotations

from collections.abc import Mapping

LOCAL = "local"
"""Whoever asks over loopback while no token was ever made."""
NOBODY = "nobody"
"""One without a valid token."""
API = "api"
"""The API, which reads for itself."""

_OTHERS: Mapping[str, str] = {
    LOCAL: "whoever is at the API's machine while there are no tokens",
    NOBODY: "one without a valid token",
    API: "the API itself",
    "controller": "what rollouts and A/B tests do by themselves",
    "canaryrollout": "the step of a pipeline that is called so",
    "blessingcheck": "the step of a pipeline that is called so",
}


def taken_for(name: str) -> str | None:
    """Whom one would take an owner of this name for, however it is written; None where it is free."""
    return _OTHERS.get(name.casefold())
