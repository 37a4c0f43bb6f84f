"""Who may do what, and who did."""

from __future__ import annotations

from tfx_rollout.control.documents import AuditTrail, Role, Token, TokenCreated, Tokens, TokenWanted
from tfx_rollout.control.http.current import with_current
from tfx_rollout.control.http.parameters import Limit, Offset, TokenName
from tfx_rollout.control.http.route import Asked, needs, routes_of

router = routes_of("access", prefix="/v1")


@router.get("/tokens", **needs(Role.ADMIN))
def list_tokens(control: Asked) -> Tokens:
    """All tokens, without their secrets."""
    return control.tokens()


@router.post("/tokens", status_code=201, **needs(Role.ADMIN, 409, body=True))
def create_token(control: Asked, wanted: TokenWanted) -> TokenCreated:
    """Make a token. Its secret is in this answer and nowhere else."""
    with with_current(control.tokens):
        return control.create_token(wanted)


@router.delete("/tokens/{name}", **needs(Role.ADMIN, 404, 409, 422))
def revoke_token(control: Asked, name: TokenName) -> Token:
    """Take a token away, at once."""
    with with_current(control.tokens):
        return control.revoke_token(name)


@router.get("/audit", **needs(Role.ADMIN, 422))
def get_audit_trail(control: Asked, limit: Limit = 100, offset: Offset = 0) -> AuditTrail:
    """Every change that was asked for, whatever came of it, newest first."""
    return control.audit(limit=limit, offset=offset)
