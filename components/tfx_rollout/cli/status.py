"""`tfx-rollout status`: what serves how much, and what is being done about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import existing_model, json_option, root_option
from tfx_rollout.cli.tables import print_table

if TYPE_CHECKING:
    from tfx_rollout.model_store import BasePath
    from tfx_rollout.traffic import DesiredState, ObservedState


@click.command()
@root_option
@click.option("--model", help="Only this model.  [default: all]")
@json_option
def status(root: Path, model: str | None, as_json: bool) -> None:
    """Show what serves how much: versions, labels, split, servers, and what is being waited for."""
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.rollout import running_rollout
    from tfx_rollout.supervisor.presence import running_supervisor

    store = ModelStore(root)
    bases = [existing_model(root, model)] if model else [store.model(name) for name in store.models()]
    supervisor = running_supervisor(root)
    if as_json:
        print_json(
            {
                "supervisor": None if supervisor is None else supervisor.to_json(),
                "models": [
                    {
                        "model": base.name,
                        "versions": base.versions(),
                        "desired": base.desired().to_json(),
                        "observed": seen.to_json() if (seen := base.observed()) else None,
                        "rollout": {"id": running.id, "phase": str(running.phase)}
                        if (running := running_rollout(base))
                        else None,
                    }
                    for base in bases
                ],
            }
        )
        return
    if supervisor is None:
        click.echo(f"No supervisor serves {root}; start one: tfx-rollout serve {root}")
    else:
        click.echo(f"{root} is served on {supervisor.gateway_address} by process {supervisor.pid}")
    if not bases:
        click.echo("There is no model yet; push one: tfx-rollout push MODEL_DIR --root ROOT --model NAME")
    for base in bases:
        _print_model(base, served=supervisor is not None)


def _print_model(base: BasePath, *, served: bool) -> None:
    from tfx_rollout.rollout import running_rollout

    desired, observed = base.desired(), base.observed()
    click.echo()
    print_table(
        f"{base.name} · generation {desired.generation}: {desired.cause.why} (by {desired.cause.by})",
        ("version", "labels", "wanted share", "share in force", "state", "servers"),
        (
            (row["version"], row["labels"], row["wanted"], row["in_force"], row["state"], row["servers"])
            for row in _rows(base, desired, observed if served else None)
        ),
    )
    running = running_rollout(base)
    if running is not None:
        click.echo(f"rollout {running.id} of version {running.version}, {str(running.phase).replace('_', ' ')}: {running.reason}")
    if served and observed is not None:
        if observed.fault:
            click.echo(f"fault: {observed.fault}")
        if observed.step:
            click.echo(f"now: {observed.step}")
        if restarts := {server.name: server.restarts for server in observed.servers if server.restarts}:
            click.echo("restarts: " + ", ".join(f"{name} {count}" for name, count in restarts.items()))


def _rows(base: BasePath, desired: DesiredState, observed: ObservedState | None) -> Iterator[dict[str, Any]]:
    from tfx_rollout.traffic import Track

    for version in reversed(base.versions()):
        labels = [label for label, labelled in desired.labels.items() if labelled == version]
        tracks = [track for track in (Track.STABLE, Track.CANARY) if str(track) in map(str, labels)]
        servers = [s for s in observed.servers if version in s.versions] if observed else []
        split = observed.split if observed else None
        yield {
            "version": version,
            "labels": ", ".join(map(str, labels)) or None,
            "wanted": f"{sum(desired.split.share(t) for t in tracks):.2%}" if tracks else None,
            "in_force": f"{sum(split.share(t) for t in tracks):.2%}" if tracks and split else None,
            "state": ", ".join(sorted({str(s.versions[version]) for s in servers})) or None,
            "servers": ", ".join(s.name for s in servers) or None,
        }
