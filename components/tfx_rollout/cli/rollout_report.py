"""`tfx-rollout rollout list`, `show` and `report`: what rollouts did, and with which evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import control_options, json_option, model_option
from tfx_rollout.cli.report_page import check_forms, page_option, tell_report
from tfx_rollout.cli.rollout_choice import every_rollout, id_argument, newest
from tfx_rollout.cli.tables import Tinted, in_short, print_table, when

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents import Rollout


@click.command("list")
@control_options
@model_option
@json_option
def list_(place: Place, model: str, as_json: bool) -> None:
    """List all rollouts of a model, newest first."""
    rollouts = list(every_rollout(place.control(), model))
    if as_json:
        print_json([_row(rollout) for rollout in rollouts])
        return
    print_table(
        f"Rollouts of {model}",
        ("rollout", "version", "after", "plan", "outcome", "phase", "begun", "ended", "by", "reason"),
        (
            (
                rollout.id,
                rollout.version,
                rollout.stable,
                rollout.plan,
                tinted_outcome(outcome(rollout)),
                _spoken(rollout.phase),
                when(rollout.created_at),
                when(rollout.finished_at),
                rollout.by,
                in_short(rollout.reason),
            )
            for rollout in rollouts
        ),
    )


@click.command()
@id_argument
@control_options
@model_option
@json_option
def show(rollout_id: str | None, place: Place, model: str, as_json: bool) -> None:
    """Show how a rollout stands, and what may be ordered of it."""
    control = place.control()
    found = control.rollout(model, rollout_id or newest(control, model))
    if as_json:
        print_document(found)
        return
    rows = {
        "version": f"{found.version}, after {'nothing' if found.stable is None else found.stable}",
        "outcome": tinted_outcome(outcome(found)),
        "phase": f"{_spoken(found.phase)}, since {when(found.phase_since)}",
        "reason": found.reason,
        "plan": found.plan,
        "stage": f"{found.stage} of {found.stages}{f', {found.stage_kind}' if found.stage_kind else ''}, share {found.share:.2%}",
        "evidence": None if found.e_value is None else f"{found.e_value:.3g}, at {found.threshold:g} it is rolled back",
        "verdict": None if found.call is None else f"{found.call}: {' '.join(found.reasons)}",
        "asked": ", ".join(found.asked) or None,
        "deadline": None if found.deadline is None else when(found.deadline),
        "orders": ", ".join(f"{order.kind} by {order.by}" for order in found.orders) or None,
        "may be ordered": ", ".join(found.possible_orders) or None,
        "begun": f"{when(found.created_at)} by {found.by}: {found.why}",
        "ended": None if found.finished_at is None else when(found.finished_at),
        "revision": found.revision,
    }
    print_table(f"Rollout {found.id} of {model}", ("", ""), rows.items())


@click.command()
@id_argument
@control_options
@model_option
@page_option
@json_option
def report(rollout_id: str | None, place: Place, model: str, page: Path | None, as_json: bool) -> None:
    """Report on a rollout: outcome, reason, evidence, counts and latencies per stage and track."""
    from tfx_rollout.rollout import render_html, render_text

    check_forms(page, as_json)
    control = place.control()
    document = control.rollout_report(model, rollout_id or newest(control, model))
    title = f"rollout {document['rollout']}"
    tell_report(document, title, text=render_text, html=render_html, page=page, as_json=as_json)


def outcome(rollout: Rollout) -> str:
    """One word for how it stands, as `rollout.outcome` has it."""
    if rollout.outcome is not None:
        return rollout.outcome
    if rollout.passed:
        return "first_version" if rollout.stable is None else "passed"
    return "running"


def tinted_outcome(word: str) -> Tinted:
    """The word, in the colour of what it means."""
    good, bad = ("promoted", "first_version", "passed"), ("rolled_back", "failed")
    return Tinted(_spoken(word), "good" if word in good else "bad" if word in bad else "warn")


def _row(rollout: Rollout) -> dict[str, Any]:
    return {
        "rollout": rollout.id,
        "version": rollout.version,
        "stable": rollout.stable,
        "plan": rollout.plan,
        "phase": rollout.phase,
        "stage": rollout.stage,
        "outcome": outcome(rollout),
        "reason": rollout.reason,
        "by": rollout.by,
        "why": rollout.why,
        "created_at": rollout.created_at,
        "finished_at": rollout.finished_at,
    }


def _spoken(name: str) -> str:
    return name.replace("_", " ")
