"""`tfx-rollout status`: what serves how much, and what is being done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.options import control_options, json_option
from tfx_rollout.cli.plain_text import one_line
from tfx_rollout.cli.tables import Tinted, in_short, print_table, tinted, told
from tfx_rollout.errors import StorageFault

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents import ModelOverview, Models, Version


@click.command()
@control_options
@click.option("--model", help="Only this model.  [default: all]")
@json_option
def status(place: Place, model: str | None, as_json: bool) -> None:
    """Show what serves how much: versions, labels, split, servers, and what is being waited for."""
    control = place.control()
    found = control.models()
    if model:
        known = [overview for overview in found.models if overview.model == model]
        found = found.model_copy(update={"models": known or [control.model(model)]})
    if as_json:
        print_document(found)
        return
    click.echo(_served(place, found))
    if not found.models:
        click.echo("There is no model yet; push one: tfx-rollout push MODEL_DIR --root ROOT --model NAME")
    for overview in found.models:
        try:
            observed = control.configuration(overview.model).observed or {}
        except StorageFault as fault:
            click.echo(f"\n{overview.model} cannot be told of: {one_line(str(fault))}")
            continue
        _print_model(overview, observed.get("servers", ()), served=found.supervisor is not None)


@click.command()
@control_options
@json_option
def ready(place: Place, as_json: bool) -> None:
    """Say whether the setup can do its work: a supervisor serves the root, and its files can be read."""
    found = place.control().readiness()
    if as_json:
        print_document(found)
    else:
        click.echo("ready" if found.ready else f"not ready: {' '.join(found.reasons)}")
    raise SystemExit(0 if found.ready else 1)


def _served(place: Place, found: Models) -> str:
    where = place.root or place.server
    if found.supervisor is None:
        start = f"; start one: tfx-rollout serve {where}" if place.root else ""
        return f"No supervisor serves {where}{start}"
    api = found.supervisor.api_address
    page = f"; API and page are on {api}" if api else ""
    return f"{where} is served on {found.supervisor.gateway_address} by process {found.supervisor.pid}{page}"


def _print_model(found: ModelOverview, servers: Sequence[Mapping[str, Any]], *, served: bool) -> None:
    click.echo()
    print_table(
        f"{found.model} · generation {found.generation}: {in_short(found.cause)} (by {found.by})",
        ("version", "labels", "wanted share", "share in force", "state", "servers"),
        (_row(version, found, served=served) for version in found.versions),
    )
    for line in _lines(found, served=served):
        click.echo(line)
    restarts = {server["name"]: server["restarts"] for server in servers if server["restarts"]}
    if served and restarts:
        click.echo("restarts: " + ", ".join(f"{name} {count}" for name, count in restarts.items()))


def _row(version: Version, found: ModelOverview, *, served: bool) -> tuple[object, ...]:
    weighted = bool({*version.labels} & {*found.desired_shares})
    servers = version.servers if served else []
    states = ", ".join(sorted({server.state for server in servers})) or None
    good = all(server.state == "AVAILABLE" for server in servers)
    names = [*version.labels, *version.aliases, *(["(pinned)"] if version.pinned else [])]
    wanted, in_force = f"{version.desired_share:.2%}", f"{version.share:.2%}"
    return (
        version.version,
        ", ".join(names) or None,
        wanted if weighted else None,
        (in_force if in_force == wanted else Tinted(in_force, "warn")) if weighted and served and found.shares else None,
        None if states is None else Tinted(states, "good" if good else "bad" if "END" in states else "warn"),
        ", ".join(server.server for server in servers) or None,
    )


def _lines(found: ModelOverview, *, served: bool) -> Iterator[str]:
    """What is being done, and what is not as it should be."""
    if found.rollout is not None:
        running = found.rollout
        yield f"rollout {running.id} of version {running.version}, {_spoken(running.phase)}: {one_line(in_short(running.reason))}"
    if found.experiment is not None:
        test = found.experiment
        yield f"A/B test {test.id} ({test.name}), {_spoken(test.phase)}: {one_line(in_short(test.reason))}"
    if not served:
        return
    if found.fault:
        yield tinted(f"fault: {found.fault}", "bad")
    if found.step:
        yield f"now: {one_line(found.step)}"
    yield from map(told, found.differences)
    for version in found.versions:
        for server in version.servers:
            if server.error:
                yield tinted(f"version {version.version} on {server.server}: {server.error}", "bad")


def _spoken(name: str) -> str:
    return name.replace("_", " ")
