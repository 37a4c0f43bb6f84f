"""`tfx-rollout replay`: recorded requests through the gateway."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import existing_model, json_option
from tfx_rollout.errors import InvalidInput

if TYPE_CHECKING:
    from tfx_rollout.replay import LateLabels


@click.command()
@click.option("--gateway", help="HOST:PORT of the gateway.  [default: the one that serves --root]")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    envvar="TFX_ROLLOUT_ROOT",
    show_envvar=True,
    help="A root that is being served, instead of --gateway.",
)
@click.option("--model", required=True, help="The model's name.")
@click.option(
    "--input", "rows", type=click.Path(path_type=Path), required=True, help="JSON Lines: one object of named columns per line."
)
@click.option("--rate", default=100.0, show_default=True, help="Requests per second, whatever the answers take.")
@click.option("--seconds", default=60.0, show_default=True, help="For how long.")
@click.option("--grpc-share", default=0.5, show_default=True, help="Share of the requests sent over gRPC; the others over REST.")
@click.option("--seed", default=0, show_default=True, help="Same seed, same requests in the same order.")
@click.option("--record", type=click.Path(path_type=Path), help="Write one JSON line per answer to this file.")
@click.option(
    "--labels-after",
    type=click.FloatRange(min=0),
    help="Give each row's true label so many seconds after its answer; needs --label-column.",
)
@click.option("--label-column", help="The column of the rows that holds the true label.")
@click.option(
    "--feedback",
    type=click.Path(path_type=Path),
    help="Append the labels to this file, for `tfx-rollout feedback`.  [default: the watched folder of the model in --root]",
)
@json_option
def replay(
    gateway: str | None,
    root: Path | None,
    model: str,
    rows: Path,
    rate: float,
    seconds: float,
    grpc_share: float,
    seed: int,
    record: Path | None,
    labels_after: float | None,
    label_column: str | None,
    feedback: Path | None,
    as_json: bool,
) -> None:
    """Send recorded requests through the gateway and report per track: counts, failures, latencies, versions.

    Ctrl-C ends it early, with the report. Failed requests are part of the report, not an error.
    With --labels-after it ends when the last label is given.
    """
    from tfx_rollout.replay import ReplaySettings, load_rows
    from tfx_rollout.replay import replay as run

    settings = ReplaySettings(
        gateway=gateway or _gateway_of(root), model=model, rate=rate, seconds=seconds, grpc_share=grpc_share, seed=seed
    )
    labels = _late_labels(labels_after, label_column, feedback, root, model)
    report = run(settings, load_rows(rows), record=record, labels=labels)
    if as_json:
        print_json(report.to_json())
    else:
        click.echo("\n".join(report.lines()))


def _late_labels(
    after_s: float | None, column: str | None, feedback: Path | None, root: Path | None, model: str
) -> LateLabels | None:
    from tfx_rollout.replay import FeedbackFile, FeedbackFolder, LateLabels

    if after_s is None and column is None and feedback is None:
        return None
    if after_s is None or column is None or (feedback is None and root is None):
        raise InvalidInput("Labels need --labels-after SECONDS, --label-column NAME, and --feedback FILE or --root.")
    if feedback is not None:
        return LateLabels(column, after_s, FeedbackFile(feedback))
    from tfx_rollout.evidence.feedback_inbox import inbox

    assert root is not None
    return LateLabels(column, after_s, FeedbackFolder(inbox(existing_model(root, model)), f"replay-{uuid.uuid4().hex[:12]}"))


def _gateway_of(root: Path | None) -> str:
    from tfx_rollout.supervisor.presence import running_supervisor

    if root is None:
        raise InvalidInput("Where should the requests go? Give --gateway HOST:PORT, or --root of a root that is served.")
    supervisor = running_supervisor(root)
    if supervisor is None:
        raise InvalidInput(f"No supervisor serves {root}; start one with `tfx-rollout serve {root}`, or give --gateway.")
    return supervisor.gateway_address
