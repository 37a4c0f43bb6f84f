"""Tokens, and the record of who changed what."""

from __future__ import annotations

from tfx_rollout.control.documents import Audited, AuditTrail, Token, TokenCreated, Tokens, TokenWanted
from tfx_rollout.control.local.part import Part


class AccessPart(Part):
    """The methods of `Control` about access."""

    def tokens(self) -> Tokens:
        return Tokens(tokens=self._root.tokens.tokens())

    def create_token(self, wanted: TokenWanted) -> TokenCreated:
        with self._recorded(f"make a token for {wanted.name}", role_given=str(wanted.role), days=wanted.days):
            return self._root.tokens.create(wanted, by=self.by)

    def revoke_token(self, name: str) -> Token:
        with self._recorded(f"revoke the token of {name}"):
            return self._root.tokens.revoke(name)

    def audit(self, *, limit: int = 100, offset: int = 0) -> AuditTrail:
        page = self._root.audit.read(limit=limit, offset=offset)
        return AuditTrail(entries=[Audited(**vars(entry)) for entry in page.entries], total=page.total)
