"""`tfx-rollout versions`: the versions of a model, which of them are held, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.changes import change_options, tell_change
from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.lazy import LazyGroup
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option
from tfx_rollout.cli.plain_text import one_line
from tfx_rollout.cli.tables import print_table, when

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents import Change
    from tfx_rollout.control.interface import Control

_HERE = "tfx_rollout.cli.versions"

version_argument = click.argument("version", type=click.IntRange(0))


@click.group(
    cls=LazyGroup,
    default="list",
    table={
        "list": (f"{_HERE}:list_", "List them, newest first; what `versions` without a sub-command does."),
        "show": (f"{_HERE}:show", "Show one of them with its signatures."),
        "load": (f"{_HERE}:load", "Hold a version loaded until the next promotion."),
        "unload": (f"{_HERE}:unload", "Hold it no more."),
        "pin": (f"{_HERE}:pin", "Hold a version loaded whatever rollouts do."),
        "unpin": (f"{_HERE}:unpin", "Let it go."),
        "alias": (f"{_HERE}:alias", "Give a version a label of your own, or take it away."),
        "retire": (f"{_HERE}:retire", "Remove a version for good."),
    },
)
def versions() -> None:
    """The versions of a model: list them, hold them loaded, name them, remove them.

    None of this moves traffic. Options alone are for `list`.
    """


@click.command("list")
@control_options
@model_option
@json_option
def list_(place: Place, model: str, as_json: bool) -> None:
    """List the versions of a model, newest first: names, share, time, digest and source."""
    found = place.control().versions(model)
    if as_json:
        print_document(found)
        return
    print_table(
        f"Versions of {model}",
        ("version", "labels", "held", "share", "published", "size", "digest", "source"),
        (
            (
                v.version,
                ", ".join([*v.labels, *v.aliases]) or None,
                "pinned" if v.pinned else "yes" if v.held else None,
                f"{v.share:.2%}" if v.share else None,
                when(v.published_at),
                _size(v.bytes),
                None if v.digest is None else v.digest[:19],
                v.source,
            )
            for v in found.versions
        ),
    )


@click.command()
@version_argument
@control_options
@model_option
@json_option
def show(version: int, place: Place, model: str, as_json: bool) -> None:
    """Show VERSION: where it came from, what it does now, and what it can be asked."""
    found = place.control().version(model, version)
    if as_json:
        print_document(found)
        return
    lines = {
        "labels": ", ".join([*found.labels, *found.aliases]),
        "held": "pinned" if found.pinned else "yes" if found.held else "no",
        "share": f"{found.share:.2%}, wanted {found.desired_share:.2%}",
        "published": when(found.published_at) + (", by another pusher" if found.adopted else ""),
        "size": f"{_size(found.bytes) or '–'}, {'–' if found.files is None else found.files} files",
        "digest": found.digest,
        "source": found.source,
        **found.provenance,
        **{f"on {server.server}": server.error or server.state for server in found.servers},
    }
    print_table(f"Version {version} of {model}", ("", ""), lines.items())
    for name, signature in (found.signatures or {}).items():
        click.echo(f"signature {one_line(name)}")
        for side in ("inputs", "outputs"):
            for tensor, described in (signature.get(side) or {}).items():
                click.echo(f"  {side[:-1]:6} {one_line(tensor)}: {one_line(_tensor(described))}")


def _tensor(described: Mapping[str, Any]) -> str:
    from tfx_rollout.saved_model import TensorSpec

    shape = described["shape"]
    return str(TensorSpec(described["name"], described["dtype"], None if shape is None else tuple(shape)))


def _hold_command(name: str, done: str, text: str, ask: Callable[..., Change]) -> click.Command:
    """A command that has `VERSION` loaded, or not."""

    @click.command(name, help=text)
    @version_argument
    @control_options
    @model_option
    @change_options
    @asking_options
    @json_option
    def hold(
        version: int,
        place: Place,
        model: str,
        expected: int | None,
        dry_run: bool,
        by: str | None,
        why: str,
        as_json: bool,
    ) -> None:
        change = ask(place.control(by), model, version, why=why, expected=expected, dry_run=dry_run)
        _told(place, change, f"{model}: version {version} is {done}", as_json=as_json)

    return hold


def _load(control: Control, model: str, version: int, *, why: str, expected: int | None, dry_run: bool) -> Change:
    return control.load(model, version, why=why, expected=expected, dry_run=dry_run)


def _unload(control: Control, model: str, version: int, *, why: str, expected: int | None, dry_run: bool) -> Change:
    return control.unload(model, version, why=why, expected=expected, dry_run=dry_run)


def _pin(control: Control, model: str, version: int, *, why: str, expected: int | None, dry_run: bool) -> Change:
    return control.pin(model, version, why=why, expected=expected, dry_run=dry_run)


def _unpin(control: Control, model: str, version: int, *, why: str, expected: int | None, dry_run: bool) -> Change:
    return control.unpin(model, version, why=why, expected=expected, dry_run=dry_run)


load = _hold_command("load", "held", "Hold VERSION loaded beside what serves, until the next promotion. Moves no traffic.", _load)
unload = _hold_command("unload", "held no more", "Hold VERSION no more. Refused where a label or a pin needs it.", _unload)
pin = _hold_command("pin", "pinned", "Hold VERSION loaded whatever rollouts do, until it is unpinned.", _pin)
unpin = _hold_command("unpin", "not pinned", "Pin VERSION no more: it is unloaded unless a label needs it.", _unpin)


@click.group()
def alias() -> None:
    """Labels of your own on versions that are held loaded, beside `stable`, `canary` and the like.

    Clients name them as any label: /v1/models/taxi/labels/NAME:predict.
    """


@alias.command("set")
@click.argument("name")
@version_argument
@control_options
@model_option
@change_options
@asking_options
@json_option
def set_alias(
    name: str,
    version: int,
    place: Place,
    model: str,
    expected: int | None,
    dry_run: bool,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """Let NAME mean VERSION, which is loaded for it. A NAME that is there already moves."""
    change = place.control(by).set_alias(model, name, version, why=why, expected=expected, dry_run=dry_run)
    _told(place, change, f"{model}: version {version} is called {name}", as_json=as_json)


@alias.command("remove")
@click.argument("name")
@control_options
@model_option
@change_options
@asking_options
@json_option
def remove_alias(
    name: str, place: Place, model: str, expected: int | None, dry_run: bool, by: str | None, why: str, as_json: bool
) -> None:
    """Let NAME mean nothing any more."""
    change = place.control(by).remove_alias(model, name, why=why, expected=expected, dry_run=dry_run)
    _told(place, change, f"{model}: {name} is no label any more", as_json=as_json)


@click.command()
@version_argument
@control_options
@model_option
@asking_options
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would be removed, or why it cannot be.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def retire(version: int, place: Place, model: str, by: str | None, why: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove VERSION and its files for good; its number is never used again. Refused where anything uses it.

    Asks first. Where nobody can be asked, --yes is needed.
    """
    control = place.control(by)
    found = control.version(model, version)
    names = ", ".join([*found.labels, *found.aliases])
    if dry_run:
        if as_json:
            print_document(found)
        elif found.held or found.servers:
            click.echo(f"{model}: version {version} is in use{f' ({names})' if names else ''} and would not be removed")
        else:
            click.echo(f"{model}: version {version} ({_size(found.bytes) or 'size unknown'}) would be removed for good")
        return
    if not yes:
        _confirm(f"Remove version {version} of {model} ({_size(found.bytes) or 'size unknown'}) for good?")
    removed = control.retire(model, version, why=why)
    if as_json:
        print_document(removed)
    else:
        click.echo(f"{model}: version {version} is removed for good")


def _confirm(question: str) -> None:
    import sys

    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here; say --yes if it is to be removed for good.")
    click.confirm(question, abort=True, err=True)


def _told(place: Place, change: Change, done: str, *, as_json: bool) -> None:
    tell_change(change, done, as_json=as_json)
    if change.changed and not change.dry_run:
        place.warn_when_unserved()


def _size(count: int | None) -> str | None:
    return None if count is None else f"{count / 1e6:.1f} MB"
