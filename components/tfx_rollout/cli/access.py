"""`tfx-rollout whoami`, `token` and `audit`: who may do what over the API, and who did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.history import page_options
from tfx_rollout.cli.options import control_options, json_option
from tfx_rollout.cli.tables import Tinted, print_table, when

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place

ROLES = ("read", "operate", "admin")

by_option = click.option("--by", help="Who asks, for the record.  [default: the user; over --server whom the token belongs to]")


@click.command()
@control_options
@json_option
def whoami(place: Place, as_json: bool) -> None:
    """Print who you are there, and with which role."""
    found = place.control().whoami()
    if as_json:
        print_document(found)
    else:
        click.echo(f"{found.name} ({found.role})")


@click.group()
def token() -> None:
    """Tokens for the API: who may see (read), steer (operate), or remove and manage tokens (admin)."""


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it allows; each role has the ones before it.")
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), help="How long it is valid.  [default: for ever]")
@control_options
@by_option
@json_option
def create(name: str, role: str, days: float | None, place: Place, by: str | None, as_json: bool) -> None:
    """Make a token for NAME, and print its secret, this once: stdout has the secret alone.

    Only its hash is kept. tfx-rollout token create ann --role operate --root ROOT > ann.token
    """
    from pydantic import ValidationError

    from tfx_rollout.control.documents import Role, TokenWanted
    from tfx_rollout.errors import InvalidInput

    try:
        wanted = TokenWanted(name=name, role=Role(role), days=days)
    except ValidationError:
        raise InvalidInput(
            f"The name {name!r} cannot be that of a token; give 1 to 64 letters, digits and _ . @ -, "
            "beginning with a letter or digit."
        ) from None
    made = place.control(by).create_token(wanted)
    if as_json:
        print_document(made)
        return
    until = "for ever" if made.expires_at is None else f"until {when(made.expires_at)}"
    click.echo(f"token {made.name} with role {made.role}, valid {until}; its secret is told this once:", err=True)
    click.echo(made.secret)


@token.command("list")
@control_options
@json_option
def list_(place: Place, as_json: bool) -> None:
    """List the tokens, without their secrets."""
    found = place.control().tokens()
    if as_json:
        print_document(found)
        return
    print_table(
        "Tokens",
        ("name", "role", "made", "by", "valid until"),
        (
            (t.name, t.role, when(t.created_at), t.created_by, "for ever" if t.expires_at is None else when(t.expires_at))
            for t in found.tokens
        ),
    )


@token.command()
@click.argument("name")
@control_options
@by_option
@json_option
def revoke(name: str, place: Place, by: str | None, as_json: bool) -> None:
    """Make the token of NAME worthless, at once."""
    gone = place.control(by).revoke_token(name)
    if as_json:
        print_document(gone)
    else:
        click.echo(f"token {gone.name} ({gone.role}) is worth nothing any more")


@click.command()
@control_options
@page_options
@json_option
def audit(place: Place, limit: int, offset: int, as_json: bool) -> None:
    """List the changes that were asked for, whatever came of them; newest first."""
    found = place.control().audit(limit=limit, offset=offset)
    if as_json:
        print_document(found)
        return
    print_table(
        f"Changes: {len(found.entries)} of {found.total}",
        ("when", "by", "role", "model", "what", "status", "what came of it"),
        (
            (
                when(entry.at),
                entry.by,
                entry.role,
                entry.model,
                entry.action,
                Tinted(entry.status, "good" if entry.status < 400 else "warn" if entry.status < 500 else "bad"),
                entry.detail,
            )
            for entry in found.entries
        ),
    )
