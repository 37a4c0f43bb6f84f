"""Tokens: secrets that name somebody and a role. Only their hashes are kept.

A secret is 256 bits of the system's randomness, so that no dictionary and no amount of
guessing finds it from its SHA-256: a slow hash, which makes guessing of passwords dear, would
buy nothing here and cost every request. The prefix lets scanners of code and logs know one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_rollout.audit import SECRET_PREFIX
from tfx_rollout.control.access.names import taken_for
from tfx_rollout.control.documents import Token, TokenCreated, TokenWanted
from tfx_rollout.errors import Conflict, CorruptState, InvalidInput, NotFound
from tfx_rollout.model_store import FileLock, make_folder, read_json, storage_faults, write_json
from tfx_rollout.model_store.file_stamp import FileStamp

SCHEMA = 1
DAY_S = 86_400.0
_OWNER_ALONE = 0o600


@dataclass(frozen=True)
class _Kept:
    token: Token
    sha256: str


class TokenFile:
    """The tokens of a root, in a file that is read again when it changes. Safe between threads and processes."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self._folder, self._now = folder, now
        self.path = folder / "tokens.json"
        self._lock = FileLock(folder / "lock", "tokens and the audit trail")
        self._last: tuple[FileStamp | None, tuple[_Kept, ...]] = (None, ())
        """What was read last, and the file's stamp then."""
        self._seen = False

    def ever_made(self) -> bool:
        """Whether a token was ever made for this root, be it that all were revoked since. Raises `StorageFault`.

        Once it was so it stays so: a file that is lost while somebody serves must not let everybody in.
        """
        if not self._seen:
            with storage_faults(self.path, "read"):
                try:
                    self.path.stat()
                    self._seen = True
                except FileNotFoundError:
                    pass
        return self._seen

    def tokens(self) -> list[Token]:
        """All tokens by name, those that ran out among them. Raises `CorruptState` and `StorageFault`."""
        return sorted((kept.token for kept in self._current()), key=lambda token: token.name)

    def identify(self, secret: str) -> Token | None:
        """Whose secret this is; None for one that is unknown, revoked or ran out.

        Takes as long whichever token it is like. Raises `CorruptState` and `StorageFault`.
        """
        given = _sha256(secret)
        found: Token | None = None
        for kept in self._current():
            if hmac.compare_digest(kept.sha256, given):
                found = kept.token
        return None if found is None or self._ran_out(found) else found

    def create(self, wanted: TokenWanted, *, by: str) -> TokenCreated:
        """Makes a token; what it returns has the secret, which is nowhere else.

        `Conflict` where the name is another token's, `InvalidInput` where the record of changes has it for somebody else.
        """
        other = taken_for(wanted.name)
        if other is not None:
            raise InvalidInput(
                f"A token cannot be called {wanted.name}, since the record of changes means {other} by that; choose another name."
            )
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        make_folder(self._folder)
        with self._lock.held():
            kept = self._current()
            taken = next((k.token for k in kept if k.token.name == wanted.name), None)
            if taken is not None and not self._ran_out(taken):
                raise Conflict(f"There is a token {wanted.name} already; revoke that one first, or choose another name.")
            now = self._now()
            token = Token(
                name=wanted.name,
                role=wanted.role,
                created_at=now,
                created_by=by,
                expires_at=None if wanted.days is None else now + wanted.days * DAY_S,
            )
            self._write((*(k for k in kept if k.token.name != wanted.name), _Kept(token, _sha256(secret))))
        return TokenCreated(**token.model_dump(), secret=secret)

    def revoke(self, name: str) -> Token:
        """Takes a token away, at once for everybody; returns it as it was. Raises `NotFound`."""
        if not self.ever_made():
            raise NotFound("token", name, str(self._folder.parent))
        with self._lock.held():
            kept = self._current()
            gone = next((k.token for k in kept if k.token.name == name), None)
            if gone is None:
                raise NotFound("token", name, str(self._folder.parent), [k.token.name for k in kept])
            self._write(tuple(k for k in kept if k.token.name != name))
        return gone

    def _ran_out(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self._now()

    def _current(self) -> tuple[_Kept, ...]:
        try:
            stamp = FileStamp.of(self.path)
        except FileNotFoundError:
            return ()
        except OSError:
            return self._read()  # which says what is wrong
        self._seen = True
        last = self._last
        if stamp == last[0]:
            return last[1]
        settled, kept = stamp.settled, self._read()
        # One assignment: threads that read at once must not mix what one saw with what the other one read.
        self._last = (stamp if settled else None, kept)
        return kept

    def _read(self) -> tuple[_Kept, ...]:
        data = read_json(self.path)
        if data is None:
            return ()
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
            return tuple(_from_json(row) for row in data["tokens"])
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptState(str(self.path), f"it does not hold tokens: {type(error).__name__}") from error

    def _write(self, kept: tuple[_Kept, ...]) -> None:
        rows = [{**k.token.model_dump(mode="json"), "sha256": k.sha256} for k in kept]
        write_json(self.path, {"schema": SCHEMA, "tokens": rows}, mode=_OWNER_ALONE)


def _from_json(row: dict[str, Any]) -> _Kept:
    sha256 = row["sha256"]
    if not isinstance(sha256, str) or len(sha256) != 64 or not sha256.isascii():
        raise ValueError("a hash is none")
    return _Kept(
        Token(
            **{name: value for name, value in row.items() if name != "sha256"},
        ),
        sha256,
    )


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
