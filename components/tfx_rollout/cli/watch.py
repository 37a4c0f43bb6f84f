"""Following a rollout as it goes: as a view on a terminal, else line by line."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.plain_text import one_line, plain_json, spelt_out
from tfx_rollout.cli.tables import clock_time

if TYPE_CHECKING:
    from tfx_rollout.control.documents import Rollout
    from tfx_rollout.control.interface import Control

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it; the rollout goes on."""
LEAST_COLUMNS, LEAST_LINES = 60, 10
"""On a smaller terminal there is no view."""


def follow(
    control: Control, model: str, rollout: str, *, until_decided: bool = False, plain: bool = False, as_json: bool = False
) -> int:
    """Shows events and verdicts as they come, at the end the report; returns the exit code.

    0 when the candidate was promoted, went live as the first version, or (`until_decided`) holds after
    its last stage; 1 when it was rolled back or the rollout failed; 130 after Ctrl-C.
    """
    from tfx_rollout.rollout import render_text

    try:
        if as_json or plain or not view_possible():
            _print_lines(control, model, rollout, until_decided=until_decided, as_json=as_json)
        else:
            _show_view(control, model, rollout, until_decided=until_decided)
    except KeyboardInterrupt:
        if not as_json:
            again = f"tfx-rollout rollout watch {rollout} --model {model}"
            click.echo(f"rollout {rollout} goes on; see it again: {again}", err=True)
        return INTERRUPTED
    document = control.rollout_report(model, rollout)
    if as_json:
        click.echo(plain_json(json.dumps({"type": "report", **document}, ensure_ascii=False)))
    else:
        click.echo("\n" + spelt_out(render_text(document)))
    return 0 if document["passed"] else 1


def view_possible() -> bool:
    """Whether stdout is a terminal that a view can be drawn on."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") in ("dumb", "unknown"):
        return False
    size = os.get_terminal_size(sys.stdout.fileno())
    return size.columns >= LEAST_COLUMNS and size.lines >= LEAST_LINES


def _show_view(control: Control, model: str, rollout: str, *, until_decided: bool) -> None:
    from rich.console import Console

    from tfx_rollout.cli.live.rollout_view import rollout_view
    from tfx_rollout.cli.live.screen import show_live
    from tfx_rollout.cli.live.snapshot import RolloutSnapshot, read_rollout_snapshot

    def read() -> RolloutSnapshot:
        return read_rollout_snapshot(control, model, rollout, time.time())

    def ended(snapshot: RolloutSnapshot) -> bool:
        return _ended(snapshot.rollout, until_decided=until_decided)

    show_live(Console(), read, rollout_view, ended, control.follow_rollout(model, rollout))


def _print_lines(control: Control, model: str, rollout: str, *, until_decided: bool, as_json: bool) -> None:
    for line in _lines(control, model, rollout, until_decided=until_decided):
        click.echo(plain_json(json.dumps(line, ensure_ascii=False)) if as_json else one_line(_text(line)))


def _lines(control: Control, model: str, rollout: str, *, until_decided: bool) -> Iterator[dict[str, Any]]:
    from tfx_rollout.control.documents import Rollout

    for told in control.follow_rollout(model, rollout):
        if told["type"] in ("event", "verdict"):
            yield told
        elif told["type"] == "state" and _ended(Rollout.model_validate(told), until_decided=until_decided):
            return


def _ended(rollout: Rollout, *, until_decided: bool) -> bool:
    return rollout.finished or (until_decided and rollout.phase == "holding")


def _text(line: Mapping[str, Any]) -> str:
    if line["type"] == "event":
        return f"{clock_time(line['at'])}  {_words(line['event'])} → {_words(line['to'])}: {line['reason']}"
    window, verdict = line["window"], line["verdict"]
    head = f"          window {window['number']} until {clock_time(window['end'])}: "
    if window["void"]:
        return head + "void, the gateway did not run throughout it or the clock jumped"
    tracks = sorted(window["tracks"].items(), reverse=True)
    counts = ", ".join(f"{name} {track['failures']} of {track['requests']} failed" for name, track in tracks)
    reason = verdict["reasons"][0] if verdict["reasons"] else ""
    return (
        head
        + f"{counts or 'no request'}; {verdict['call']} (evidence {verdict['e_value']:.3g} of {verdict['threshold']:g}). {reason}"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")
