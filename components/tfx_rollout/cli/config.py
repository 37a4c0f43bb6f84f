"""`tfx-rollout config`: what should be, what is, and changes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.changes import change_options, tell_change
from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.lazy import LazyGroup
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option
from tfx_rollout.cli.tables import in_short, print_table, tinted, told
from tfx_rollout.errors import InvalidInput

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place

_HERE = "tfx_rollout.cli.config"


@click.group(
    cls=LazyGroup,
    default="show",
    table={
        "show": (f"{_HERE}:show", "Show what is desired, what is observed, and where they differ and why."),
        "set": (f"{_HERE}:set_", "Change single points of it."),
        "apply": (f"{_HERE}:apply", "Change what a file says."),
    },
)
def config() -> None:
    """What should be served and what is, by model.

    Shares and the labels stable, canary and previous are moved by rollouts, A/B tests and `rollback`, never here.
    Options alone are for `show`.
    """


@click.command()
@control_options
@model_option
@json_option
def show(place: Place, model: str, as_json: bool) -> None:
    """Show what is desired and observed, and where they differ and why."""
    found = place.control().configuration(model)
    if as_json:
        print_document(found)
        return
    desired, observed = found.desired, found.observed
    cause = desired.get("cause") or {}
    print_table(
        f"{model} · generation {found.generation}: {in_short(cause.get('why', ''))} (by {cause.get('by', '')})",
        ("", "desired", "observed"),
        ((what, want, "–" if observed is None else seen) for what, want, seen in _rows(desired, observed or {})),
    )
    if observed is None:
        click.echo("No supervisor serves it, so what is in force is not known.")
    elif not found.differences:
        click.echo(tinted("All of it is in force.", "good"))
    for difference in found.differences:
        click.echo(told(difference))


@click.command("set")
@control_options
@model_option
@click.option("--versions", metavar="N,N", help="Versions to hold beside those that labels and pins need; '' for none.")
@click.option("--pinned", metavar="N,N", help="Versions to hold whatever rollouts do; '' for none.")
@click.option("--alias", "aliases", metavar="NAME=N", multiple=True, help="All labels of your own. Repeatable.")
@click.option("--no-aliases", is_flag=True, help="No labels of your own.")
@click.option("--topology", type=click.Choice(["dedicated", "shared"]), help="Where a candidate is loaded.")
@change_options
@asking_options
@json_option
def set_(
    place: Place,
    model: str,
    versions: str | None,
    pinned: str | None,
    aliases: tuple[str, ...],
    no_aliases: bool,
    topology: str | None,
    expected: int | None,
    dry_run: bool,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """Change the points that are given; the others stay as they are."""
    if aliases and no_aliases:
        raise click.UsageError("--alias and --no-aliases contradict each other; give one of them.")
    given: dict[str, Any] = {
        "versions": None if versions is None else _numbers(versions, "--versions"),
        "pinned": None if pinned is None else _numbers(pinned, "--pinned"),
        "aliases": dict(map(_alias, aliases)) if aliases else {} if no_aliases else None,
        "topology": topology,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise click.UsageError("Nothing is to be set; give --versions, --pinned, --alias, --no-aliases or --topology.")
    _configure(place, model, {**wanted, "why": why}, "what was given", expected, dry_run, by, as_json)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@control_options
@model_option
@change_options
@asking_options
@json_option
def apply(
    file: Path,
    place: Place,
    model: str,
    expected: int | None,
    dry_run: bool,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """Change what FILE says, YAML or JSON with any of `versions`, `pinned`, `aliases`, `topology`, `why`; - is stdin.

    A `generation` in it is taken as --if-generation.
    """
    document = _document(file)
    named = document.pop("generation", None)
    if expected is None and named is not None:
        if not isinstance(named, int) or isinstance(named, bool):
            raise InvalidInput(f"generation in {file} is {named!r}; it must be a whole number.")
        expected = named
    _configure(place, model, {"why": why, **document}, str(file), expected, dry_run, by, as_json)


def _configure(
    place: Place,
    model: str,
    given: dict[str, Any],
    source: str,
    expected: int | None,
    dry_run: bool,
    by: str | None,
    as_json: bool,
) -> None:
    from pydantic import ValidationError

    from tfx_rollout.control.documents import ConfigurationWanted
    from tfx_rollout.rollout import plan_faults

    try:
        wanted = ConfigurationWanted.model_validate(given)
    except ValidationError as error:
        faults = "; ".join(plan_faults.sentence(ConfigurationWanted, e) for e in error.errors(include_url=False))
        raise InvalidInput(f"The configuration in {source} is not valid: {faults}.") from error
    change = place.control(by).configure(model, wanted, expected=expected, dry_run=dry_run)
    tell_change(change, f"{model}: it is configured so", as_json=as_json)
    if change.changed and not dry_run:
        place.warn_when_unserved()


def _document(file: Path) -> dict[str, Any]:
    import sys

    import yaml

    try:
        data = yaml.safe_load(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        said = " ".join(str(fault).split())
        raise InvalidInput(f"{file} cannot be read ({said}); give a file in YAML or JSON.") from fault
    if not isinstance(data, dict):
        raise InvalidInput(f"{file} has no fields such as versions and pinned; give it some.")
    return {str(key): value for key, value in data.items()}


def _numbers(text: str, option: str) -> list[int]:
    try:
        return [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise click.UsageError(f"{option} {text!r} is no list of versions; write for example {option} 3,4.") from None


def _alias(text: str) -> tuple[str, int]:
    name, sign, version = text.partition("=")
    if not sign or not version.isdecimal():
        raise click.UsageError(f"--alias {text!r} is not NAME=VERSION; write for example --alias holiday=3.")
    return name, int(version)


def _rows(desired: Mapping[str, Any], observed: Mapping[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    """What is wanted of each point, and what the servers and the gateway say of it."""
    servers = observed.get("servers", [])
    states = {v: state for server in servers for v, state in server["versions"].items() if state != "END"}
    names = {name: version for server in servers for name, version in server["labels"].items()}
    yield "versions", _listed(desired["versions"]), _pairs(states)
    yield "labels", _pairs({**desired["labels"], **desired.get("aliases", {})}), _pairs(names)
    yield "pinned", _listed(desired.get("pinned", ())), None
    yield "shares", _shares(desired["split"]), _shares(observed.get("split"))
    yield "topology", desired["topology"], None


def _pairs(values: Mapping[str, object]) -> str | None:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or None


def _listed(values: Iterable[object]) -> str | None:
    return ", ".join(map(str, values)) or None


def _shares(split: Mapping[str, int] | None) -> str | None:
    """From units of 0.01 %."""
    return None if split is None else ", ".join(f"{track} {units / 100:g} %" for track, units in split.items() if units)
