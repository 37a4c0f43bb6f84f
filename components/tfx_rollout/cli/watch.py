"""Following a rollout's record as it grows."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.tables import clock_time

if TYPE_CHECKING:
    from tfx_rollout.evidence import Window
    from tfx_rollout.model_store import BasePath
    from tfx_rollout.rollout import Verdict

POLL_S = 0.3
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it; the rollout goes on."""


def follow(base: BasePath, rollout: str, *, until_decided: bool = False, as_json: bool = False) -> int:
    """Prints events and verdicts as they come, at the end the report; returns the exit code.

    0 when the candidate was promoted, went live as the first version, or (`until_decided`) holds after
    its last stage; 1 when it was rolled back or the rollout failed; 130 after Ctrl-C.
    """
    from tfx_rollout.rollout import build_report, read_rollout, render_text

    try:
        _follow(base, rollout, until_decided=until_decided, as_json=as_json)
    except KeyboardInterrupt:
        return INTERRUPTED
    document = build_report(read_rollout(base, rollout))
    if as_json:
        click.echo(json.dumps({"type": "report", **document}, ensure_ascii=False))
    else:
        click.echo("\n" + render_text(document))
    return 0 if document["passed"] else 1


def _follow(base: BasePath, rollout: str, *, until_decided: bool, as_json: bool) -> None:
    from tfx_rollout.rollout import read_rollout
    from tfx_rollout.rollout.journal import Journal

    journal = Journal(base, rollout)
    told_events = told_windows = -1
    while True:
        state = journal.state()
        if (state.events, state.windows) != (told_events, told_windows):
            record = read_rollout(base, rollout)
            state = record.state
            lines = [_event(event) for event in record.events if event["number"] > told_events]
            lines += [
                _verdict(window, record.verdicts[window.number])
                for window in record.windows
                if window.number > told_windows and window.number in record.verdicts
            ]
            for line in sorted(lines, key=_place):
                click.echo(json.dumps(line, ensure_ascii=False) if as_json else _text(line))
            told_events, told_windows = state.events, state.windows
        if state.finished or (until_decided and state.decided):
            return
        time.sleep(POLL_S)


def _place(line: dict[str, Any]) -> tuple[int, int]:
    """Verdicts in the order of their windows, and each event after the verdict that it followed from."""
    return (line["window"]["number"], 0) if line["type"] == "verdict" else (line["window"], line["number"])


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {"type": "event", **event}


def _verdict(window: Window, verdict: Verdict) -> dict[str, Any]:
    return {"type": "verdict", "window": window.to_json(), "verdict": verdict.to_json()}


def _text(line: dict[str, Any]) -> str:
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
