"""`tfx-rollout schedule gate`: a retraining that keeps clear of rollouts and of other retrainings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.options import model_option, root_option
from tfx_rollout.cli.place import asker

if TYPE_CHECKING:
    from tfx_rollout.schedule.overlap import OnOverlap


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@root_option
@model_option
@click.option(
    "--on-overlap",
    type=click.Choice(["wait", "supersede", "stop"]),
    default="wait",
    show_default=True,
    help="When a rollout or another retraining is on its way: wait for its end, order the rollout to make room, or stop.",
)
@click.option("--wait-seconds", default=3600.0, show_default=True, type=click.FloatRange(0), help="How long to wait for its end.")
@click.option(
    "--claim", metavar="RUN", help="Claim the retraining for this pipeline run, whose steps are processes of their own."
)
@click.option(
    "--hold-seconds", default=86400.0, show_default=True, type=click.FloatRange(1), help="How long a claim is good for."
)
@click.option("--release", metavar="RUN", help="End the claim of this pipeline run.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def gate(
    root: Path,
    model: str,
    on_overlap: OnOverlap,
    wait_seconds: float,
    claim: str | None,
    hold_seconds: float,
    release: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND, a retraining, when no rollout of the model and no other retraining is on its way.

    COMMAND holds the model's retraining lock while it runs, and its exit code is this one's. Exit
    code 3: it was not begun. In a pipeline of several processes the first step gives --claim with
    the run's name, and the last one, or an exit handler, --release.
    """
    from tfx_rollout.model_store import ModelStore
    from tfx_rollout.schedule.overlap import claim_retraining, retraining
    from tfx_rollout.schedule.retraining import RetrainingLock

    if (bool(command), claim is not None, release is not None).count(True) != 1:
        raise click.UsageError("Give a COMMAND after --, or --claim RUN, or --release RUN.")
    base = ModelStore(root).model(model)
    if release is not None:
        ended = RetrainingLock(base).release(release)
        click.echo(f"{model}: the claim of {release} is released" if ended else f"{model}: {release} has no claim")
    elif claim is not None:
        made = claim_retraining(
            base, on_overlap, run=claim, seconds=hold_seconds, wait_seconds=wait_seconds, by=asker(), say=_to_stderr
        )
        click.echo(f"{model}: claimed for {made.run}, for {made.until - made.since:g} s")
    else:
        with retraining(base, on_overlap, wait_seconds=wait_seconds, by=asker(), say=_to_stderr):
            raise SystemExit(_run(command))


def _run(command: tuple[str, ...]) -> int:
    """Runs a command to its end; signals are passed on. Its exit code, or 128 and the signal, as shells have it."""
    import signal
    import subprocess

    from tfx_rollout.serving.tether import tethered

    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal sends it to the command too, which shall not ignore it
    process = subprocess.Popen(tethered(command))
    for told in early:
        process.send_signal(told)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _to_stderr(text: str) -> None:
    click.echo(text, err=True)
