"""The demo's closing tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from taxi.demo.findings import Findings
from tfx_rollout.traffic import DesiredState, ObservedState, Track


def print_versions(console: Console, versions: Sequence[int], desired: DesiredState, observed: ObservedState) -> None:
    """Every version on disk: labels, share in force, and where it is loaded."""
    table = _table("Versions", ("version", "labels", "share", "loaded by"))
    for version in versions:
        labels = [label for label, named in desired.labels.items() if named == version]
        tracks = [track for track in (Track.STABLE, Track.CANARY) if str(track) in {str(label) for label in labels}]
        share = sum(observed.split.share(track) for track in tracks) if observed.split else 0.0
        servers = [server.name for server in observed.servers if server.available(version)]
        table.add_row(
            str(version), ", ".join(map(str, labels)) or "–", f"{share:.0%}" if tracks else "–", ", ".join(servers) or "–"
        )
    console.print(table)


def print_rollouts(console: Console, reports: Sequence[Mapping[str, Any]]) -> None:
    """Every rollout: outcome, evidence, time, and the reason in words."""
    table = _table("Rollouts", ("version", "outcome", "evidence", "decided after", "canary requests", "failed", "reason"))
    for report in reports:
        evidence, canary = report["evidence"], report["tracks"]["canary"]
        seconds = report["seconds_to_decision"]
        table.add_row(
            str(report["version"]),
            report["outcome"].replace("_", " "),
            "–" if evidence is None else f"{evidence['e_value']:.3g} of {evidence['threshold']:g}",
            "–" if seconds is None else f"{seconds:.0f} s",
            f"{canary['requests']:,}",
            f"{canary['failures']:,}",
            report["reason"],
        )
    console.print(table)


def print_findings(console: Console, findings: Findings, rollback: Mapping[str, Any]) -> None:
    """What clients met, over all, and what the harmful version cost them."""
    canary = rollback["tracks"]["canary"]
    console.print(
        f"{findings.requests:,} requests were sent; {findings.harmed} failed, all of them answered by the harmful version "
        f"({findings.harmed_share:.2%} of the {findings.exposed:,} requests sent while it was the canary)."
    )
    console.print(
        f"{findings.attributed:,} answers name their version, REST and gRPC: each was one that the desired state allowed "
        "on its track."
    )
    console.print(
        f"The harmful version was rolled back {rollback['seconds_to_decision']:.0f} s after its first request, having served "
        f"{canary['requests']:,} and failed {canary['failures']}, in {len(rollback['bad_windows'])} windows of evidence."
    )


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
