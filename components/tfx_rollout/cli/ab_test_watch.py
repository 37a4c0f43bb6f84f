"""Following an A/B test as it goes: as a view on a terminal, else a line for each event."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.plain_text import one_line, plain_json, spelt_out
from tfx_rollout.cli.tables import clock_time
from tfx_rollout.cli.watch import INTERRUPTED, view_possible

if TYPE_CHECKING:
    from tfx_rollout.control.documents import Experiment
    from tfx_rollout.control.interface import Control


def follow(
    control: Control, model: str, experiment: str, *, until_decided: bool = False, plain: bool = False, as_json: bool = False
) -> int:
    """Shows what happens as it comes, at the end the report; returns the exit code: 1 when it failed, 130 after Ctrl-C."""
    from tfx_rollout.experiment import render_experiment_text

    try:
        if as_json or plain or not view_possible():
            for event in _events(control, model, experiment, until_decided=until_decided):
                click.echo(plain_json(json.dumps(event, ensure_ascii=False)) if as_json else one_line(_text(event)))
        else:
            _show_view(control, model, experiment, until_decided=until_decided)
    except KeyboardInterrupt:
        if not as_json:
            again = f"tfx-rollout ab-test watch {experiment} --model {model}"
            click.echo(f"A/B test {experiment} goes on; see it again: {again}", err=True)
        return INTERRUPTED
    document = control.experiment_report(model, experiment)
    if as_json:
        click.echo(plain_json(json.dumps({"type": "report", **document}, ensure_ascii=False)))
    else:
        click.echo("\n" + spelt_out(render_experiment_text(document)))
    return 1 if document["outcome"] == "failed" else 0


def _show_view(control: Control, model: str, experiment: str, *, until_decided: bool) -> None:
    from rich.console import Console

    from tfx_rollout.cli.live.experiment_view import experiment_view
    from tfx_rollout.cli.live.screen import show_live
    from tfx_rollout.cli.live.snapshot import ExperimentSnapshot, read_experiment_snapshot

    def read() -> ExperimentSnapshot:
        return read_experiment_snapshot(control, model, experiment, time.time())

    def ended(snapshot: ExperimentSnapshot) -> bool:
        return _ended(snapshot.experiment, until_decided=until_decided)

    show_live(Console(), read, experiment_view, ended, control.follow_experiment(model, experiment))


def _events(control: Control, model: str, experiment: str, *, until_decided: bool) -> Iterator[dict[str, Any]]:
    """What happened, from its first event on."""
    from tfx_rollout.control.documents import Experiment

    for told in control.follow_experiment(model, experiment):
        if told["type"] == "event":
            yield told
        elif told["type"] == "state" and _ended(Experiment.model_validate(told), until_decided=until_decided):
            return


def _ended(found: Experiment, *, until_decided: bool) -> bool:
    return found.finished or (until_decided and found.outcome is not None)


def _text(event: dict[str, Any]) -> str:
    name, to = (str(event[key]).replace("_", " ") for key in ("event", "to"))
    return f"{clock_time(event['at'])}  {name} → {to}: {event['reason']}"
