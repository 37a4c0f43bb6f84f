"""`tfx-rollout ab-test start` and what follows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.lazy import print_json
from tfx_rollout.cli.options import asking_options, control_options, json_option, model_option
from tfx_rollout.cli.report_page import check_forms, page_option, tell_report
from tfx_rollout.cli.rollout_choice import PAGE
from tfx_rollout.cli.rollout_orders import revision_option
from tfx_rollout.cli.rollout_start import plain_option
from tfx_rollout.cli.tables import Tinted, in_short, print_table, when
from tfx_rollout.errors import NotFound

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents import Experiment
    from tfx_rollout.control.interface import Control

id_argument = click.argument("experiment_id", metavar="[ID]", required=False)


@click.command()
@click.argument("plan")
@control_options
@model_option
@click.option("--watch", "and_watch", is_flag=True, help="Go on with `watch`; its exit code is then the command's.")
@plain_option
@asking_options
@json_option
def start(plan: str, place: Place, model: str, and_watch: bool, plain: bool, by: str | None, why: str, as_json: bool) -> None:
    """Start an A/B test by PLAN, a YAML or JSON file; the supervisor carries it out."""
    from tfx_rollout.cli.ab_test_watch import follow
    from tfx_rollout.control.documents import ExperimentWanted
    from tfx_rollout.experiment import load_experiment_plan

    document = load_experiment_plan(plan).to_json()
    control = place.control(by)
    started = control.start_experiment(model, ExperimentWanted(plan=document, why=why))
    if as_json and not and_watch:
        print_document(started)
    elif not as_json:
        click.echo(f"A/B test {started.id} of {model}: {started.name}, judged by {started.metric}")
    place.warn_when_unserved()
    if and_watch:
        raise SystemExit(follow(control, model, started.id, plain=plain, as_json=as_json))


@click.command()
@id_argument
@control_options
@model_option
@click.option("--until-decided", is_flag=True, help="End also when it is decided and only holds the split.")
@plain_option
@json_option
def watch(experiment_id: str | None, place: Place, model: str, until_decided: bool, plain: bool, as_json: bool) -> None:
    """Follow an A/B test: on a terminal as a view of how it stands, else a line for each event.

    Exit code 0 whatever it came to, 1 when it failed, 130 after Ctrl-C, which leaves the test
    alone. With --json one document a line; the last one is the report.
    """
    from tfx_rollout.cli.ab_test_watch import follow

    control = place.control()
    chosen = experiment_id or _newest(control, model)
    place.warn_when_unserved()
    raise SystemExit(follow(control, model, chosen, until_decided=until_decided, plain=plain, as_json=as_json))


@click.command("list")
@control_options
@model_option
@json_option
def list_(place: Place, model: str, as_json: bool) -> None:
    """List all A/B tests of a model, newest first."""
    found = list(_every(place.control(), model))
    if as_json:
        print_json([test.model_dump(mode="json") for test in found])
        return
    print_table(
        f"A/B tests of {model}",
        ("test", "name", "metric", "outcome", "phase", "begun", "ended", "by", "reason"),
        (
            (
                test.id,
                test.name,
                test.metric,
                _outcome(test),
                test.phase,
                when(test.created_at),
                when(test.finished_at),
                test.by,
                in_short(test.reason),
            )
            for test in found
        ),
    )


@click.command()
@id_argument
@control_options
@model_option
@json_option
def show(experiment_id: str | None, place: Place, model: str, as_json: bool) -> None:
    """Show how an A/B test stands, and what may be ordered of it."""
    control = place.control()
    found = control.experiment(model, experiment_id or _newest(control, model))
    if as_json:
        print_document(found)
        return
    rows = {
        "name": found.name,
        "outcome": _outcome(found),
        "phase": found.phase,
        "reason": found.reason,
        "metric": found.metric,
        "users by": found.header,
        "until": None if found.until is None else when(found.until),
        "windows": found.windows,
        "may be ordered": ", ".join(found.possible_orders) or None,
        "begun": f"{when(found.created_at)} by {found.by}: {found.why}",
        "ended": None if found.finished_at is None else when(found.finished_at),
        "revision": found.revision,
    }
    print_table(f"A/B test {found.id} of {model}", ("", ""), rows.items())


@click.command()
@id_argument
@control_options
@model_option
@page_option
@json_option
def report(experiment_id: str | None, place: Place, model: str, page: Path | None, as_json: bool) -> None:
    """Report on an A/B test: outcome, reason, users, outcomes and evidence per arm."""
    from tfx_rollout.experiment import render_experiment_html, render_experiment_text

    check_forms(page, as_json)
    control = place.control()
    document = control.experiment_report(model, experiment_id or _newest(control, model))
    title = f"A/B test {document['experiment']}"
    tell_report(document, title, text=render_experiment_text, html=render_experiment_html, page=page, as_json=as_json)


@click.command()
@id_argument
@control_options
@model_option
@revision_option
@asking_options
@json_option
def stop(
    experiment_id: str | None, place: Place, model: str, expected: str | None, by: str | None, why: str, as_json: bool
) -> None:
    """End an A/B test: the live version gets all traffic back."""
    _send(experiment_id, place, model, "stop", None, expected=expected, by=by, why=why, as_json=as_json)


@click.command()
@id_argument
@click.option("--variant", required=True, help="Which one becomes live: variant-b, variant-c, ….")
@control_options
@model_option
@revision_option
@asking_options
@json_option
def promote(
    experiment_id: str | None,
    variant: str,
    place: Place,
    model: str,
    expected: str | None,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    """End an A/B test: the version of a variant becomes live for everybody."""
    _send(experiment_id, place, model, "promote", variant, expected=expected, by=by, why=why, as_json=as_json)


def _send(
    experiment_id: str | None,
    place: Place,
    model: str,
    kind: Literal["stop", "promote"],
    variant: str | None,
    *,
    expected: str | None,
    by: str | None,
    why: str,
    as_json: bool,
) -> None:
    from tfx_rollout.control.documents import ExperimentOrderWanted

    control = place.control(by)
    chosen = experiment_id or _running(control, model)
    wanted = ExperimentOrderWanted(kind=kind, variant=variant, why=why)
    found = control.order_experiment(model, chosen, wanted, expected=expected)
    if as_json:
        print_document(found)
    else:
        click.echo(f"A/B test {chosen}: ordered to {kind}{f' {variant}' if variant else ''}")
    place.warn_when_unserved()


def _every(control: Control, model: str) -> Iterator[Experiment]:
    offset = 0
    while True:
        page = control.experiments(model, limit=PAGE, offset=offset)
        yield from page.experiments
        offset += len(page.experiments)
        if not page.experiments or offset >= page.total:
            return


def _running(control: Control, model: str) -> str:
    found = control.model(model).experiment
    if found is None:
        raise NotFound("A/B test", "that runs", f"model {model}", [test.id for test in _every(control, model)][::-1])
    return found.id


def _newest(control: Control, model: str) -> str:
    found = control.model(model).experiment or next(iter(control.experiments(model, limit=1).experiments), None)
    if found is None:
        raise NotFound("A/B test", "at all", f"model {model}")
    return found.id


def _outcome(test: Experiment) -> Tinted:
    word = test.outcome or "running"
    return Tinted(word, "good" if word == "winner" else "bad" if word == "failed" else "warn")
