"""Who may do what, and who did."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field

from tfx_rollout.control.documents.form import Document, Told, Wanted


class Role(str, Enum):
    """What a token allows; each includes the ones before it."""

    READ = "read"
    """See everything but tokens and the audit trail."""
    OPERATE = "operate"
    """Start and steer rollouts and A/B tests, change the configuration, give feedback."""
    ADMIN = "admin"
    """Remove versions for good, manage tokens, read the audit trail."""

    def __str__(self) -> str:
        return self.value

    def includes(self, other: Role) -> bool:
        """Whether this role may do what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Whoami(Document):
    """Who asks, and with which role."""

    name: str
    role: Role


class TokenWanted(Wanted):
    """A token is to be made for somebody."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$")
    role: Annotated[Role, Field(strict=False)]
    days: float | None = Field(None, gt=0, le=3650)
    """How long it is valid; for ever where it is left out."""


class Token(Document):
    """A token, without its secret."""

    name: str
    role: Role
    created_at: float
    created_by: str
    expires_at: float | None


class TokenCreated(Token):
    """A new token. The secret is told this once; only its hash is kept."""

    secret: str


class Tokens(Document):
    """All tokens."""

    tokens: list[Token]


class Audited(Document):
    """One change that was asked for, whatever came of it."""

    at: float
    by: str
    role: str
    """A token's; `admin` of who has the files of the root, `step` of a step of a pipeline or schedule."""
    action: str
    """What was asked for, in words: "load version 3"; of what the API itself refused, method and path."""
    model: str | None
    status: int
    """As HTTP has it: 200 for what was done."""
    detail: str
    """What came of it, in a sentence."""
    facts: Told = Field(default_factory=dict)


class AuditTrail(Document):
    """Changes, newest first."""

    entries: list[Audited]
    total: int
