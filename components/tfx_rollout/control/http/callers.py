"""Who asks: the owner of a token, or the person at this machine while there are no tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tfx_rollout.control.access.names import LOCAL
from tfx_rollout.control.access.rate import RateLimit
from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, Token
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.settings import Limits

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="tfx-rollout"'}


@dataclass(frozen=True)
class Caller:
    """Who asks, with which role. `token` is theirs; None for the person at this machine."""

    name: str
    role: Role
    token: Token | None = None


class Callers:
    """Knows callers by their tokens, and how often each may ask. Raises `Refused`, and `StorageFault` and its kinds.

    `open_to_local`: whether everybody may do everything while no token was ever made, as fits a
    listener that only this machine reaches. Who tries wrong tokens is slowed down by address, and
    everybody else by name. `clock` only goes forward.
    """

    def __init__(
        self, tokens: TokenFile, limits: Limits, *, open_to_local: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens = tokens
        self._open_to_local = open_to_local
        self._clock = clock
        self._lock = threading.Lock()
        self._pace = RateLimit(limits.requests_per_second, limits.burst)
        self._strangers = RateLimit(limits.failed_per_minute / 60, max(1.0, limits.failed_per_minute))
        self._failures = RateLimit(limits.failed_per_minute / 60, max(1.0, limits.failed_per_minute))

    def identify(self, headers: Mapping[str, str], address: str) -> Caller:
        """Who asks. 401 without a token that is valid, 429 after too many wrong ones from one address."""
        said = headers.get("authorization")
        if said is None:
            if self._open_to_local and not self._tokens.ever_made():
                return Caller(LOCAL, Role.ADMIN)
            self.pace(None, address)
            raise Refused(401, "no-token", "This needs a token; send it as Authorization: Bearer … .", headers=_CHALLENGE)
        scheme, _, secret = said.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            self.pace(None, address)
            raise Refused(
                401, "no-token", "The Authorization header is none of a token; send Authorization: Bearer … .", headers=_CHALLENGE
            )
        token = self._tokens.identify(secret.strip())
        if token is None:
            self._slow_down(self._failures, address, "wrong tokens from this address")
            raise Refused(
                401,
                "wrong-token",
                "The token is not valid here: unknown, revoked or run out; get a new one.",
                headers={"WWW-Authenticate": f'{_CHALLENGE["WWW-Authenticate"]}, error="invalid_token"'},
            )
        return Caller(token.name, token.role, token)

    def pace(self, caller: Caller | None, address: str) -> None:
        """429 for who asks too often: a caller by name, one who needs no token by address."""
        self._slow_down(self._pace, f"@{address}" if caller is None else caller.name, "requests")

    def is_worth_recording(self, caller: Caller | None, address: str) -> bool:
        """Whether a refusal goes into the record: strangers must not be able to fill it."""
        with self._lock:
            return caller is not None or self._strangers.take(address, self._clock()) == 0

    def are_still(self, caller: Caller) -> bool:
        """Whether a caller of before would be let in again: the token was not revoked, and has not run out."""
        if caller.token is None:
            return self._open_to_local and not self._tokens.ever_made()
        expires = caller.token.expires_at
        return (expires is None or expires > time.time()) and caller.token in self._tokens.tokens()

    def _slow_down(self, limit: RateLimit, identity: str, what: str) -> None:
        with self._lock:
            wait = limit.take(identity, self._clock())
        if wait > 0:
            seconds = max(1, int(wait + 0.999))
            raise Refused(
                429,
                "too-many-requests",
                f"There are too many {what}; come again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )


def check_role(caller: Caller, needed: Role) -> None:
    """Raises `Refused` (403) where the caller's role does not include what is needed."""
    if not caller.role.includes(needed):
        raise Refused(
            403,
            "role-too-low",
            f"This needs the role {needed}, and {caller.name} has the role {caller.role}; use a token with that role.",
        )
