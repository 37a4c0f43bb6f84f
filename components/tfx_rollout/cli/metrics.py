"""`tfx-rollout metrics`: what was served, how well and how fast; and files for who watches from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tfx_rollout.cli.documents import print_document
from tfx_rollout.cli.lazy import LazyGroup
from tfx_rollout.cli.options import control_options, json_option, model_option
from tfx_rollout.cli.progress import waiting
from tfx_rollout.cli.spans import Moment, Span
from tfx_rollout.cli.tables import Tinted, print_table, when

if TYPE_CHECKING:
    from tfx_rollout.cli.place import Place
    from tfx_rollout.control.documents import Traffic, TrafficSeries

_HERE = "tfx_rollout.cli.metrics"
COURSE = 12
"""Columns of a figure's course over the span."""


@click.group(
    cls=LazyGroup,
    default="show",
    table={
        "show": (f"{_HERE}:show", "Show requests, errors and latencies per track and version in a span of time."),
        "scrape-config": (f"{_HERE}:scrape_config", "Print the scrape configuration for Prometheus."),
        "rules": (f"{_HERE}:rules", "Print the recording and alerting rules for Prometheus."),
        "board": (f"{_HERE}:board", "Print the board for Grafana."),
    },
)
def metrics() -> None:
    """The traffic of a model, and files for Prometheus and Grafana.

    Options alone are for `show`.
    """


@click.command()
@control_options
@model_option
@click.option("--since", type=Moment(), default="15m", show_default=True, help="Begin: 15m, 2h, a date and time, or seconds.")
@click.option("--until", type=Moment(), help="End, the same way.  [default: now]")
@click.option("--step", type=Span(), help="Length of a step of the series.  [default: about a hundredth of the span]")
@json_option
def show(place: Place, model: str, since: float, until: float | None, step: float | None, as_json: bool) -> None:
    """Show requests, errors, latencies and accuracy per track and version."""
    with waiting(f"Counting the requests of {model} …"):
        found = place.control().traffic(model, since=since, until=until, step=step)
    if as_json:
        print_document(found)
        return
    columns = (
        "track",
        "version",
        "requests",
        "per s",
        "failed",
        "rate",
        "p50",
        "p90",
        "p99",
        "right",
        "failures",
        "p99 over time",
    )
    print_table(
        f"Traffic of {model} from {when(found.since)} to {when(found.until)}, in steps of {found.step:g} s",
        columns,
        (_row(series) for series in found.series),
    )
    for line in _notes(found):
        click.echo(line)


def _row(series: TrafficSeries) -> tuple[object, ...]:
    totals, points = series.totals, series.points
    return (
        series.track,
        series.version,
        f"{totals.requests:,}",
        f"{totals.requests_per_second:.3g}",
        Tinted(f"{totals.failures:,}", "bad") if totals.failures else "0",
        None if totals.error_rate is None else f"{totals.error_rate:.2%}",
        _ms(totals.p50_ms),
        _ms(totals.p90_ms),
        _ms(totals.p99_ms),
        None if totals.accuracy is None else f"{totals.accuracy:.2%} of {totals.labelled:,}",
        _course([float(point.failures) for point in points]),
        _course([point.p99_ms for point in points]),
    )


def _notes(found: Traffic) -> list[str]:
    notes = []
    if not found.series:
        notes.append("No request came in this time.")
    if found.complete_from > found.since:
        notes.append(f"Before {when(found.complete_from)} nothing is known any more.")
    for series in found.series:
        bad = {code: n for code, n in series.totals.codes.items() if code != "OK" and n}
        if bad:
            listed = ", ".join(f"{code} {n:,}" for code, n in sorted(bad.items(), key=lambda item: -item[1]))
            notes.append(f"{series.track}{'' if series.version is None else f' version {series.version}'} failed with: {listed}")
    return notes


def _course(values: Sequence[float | None]) -> str:
    """How a figure went over the span, in so many columns: of each stretch the largest value."""
    from tfx_rollout.cli.live.charts import sparkline

    size = max(1, -(-len(values) // COURSE))
    parts = (values[i : i + size] for i in range(0, len(values), size))
    return sparkline([max((value for value in part if value is not None), default=None) for part in parts], COURSE)


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:.3g} ms" if value < 100 else f"{value:,.0f} ms"


def _file_command(name: str, file: str, text: str) -> click.Command:
    @click.command(name, help=text)
    def printed() -> None:
        from tfx_rollout.metrics.monitoring import FOLDER

        click.echo((FOLDER / file).read_text(), nl=False)

    return printed


scrape_config = _file_command(
    "scrape-config", "scrape.yaml", "Print how Prometheus gets the metrics: scrape_configs of its file."
)
rules = _file_command("rules", "rules.yaml", "Print recording and alerting rules, for rule_files of Prometheus.")
board = _file_command("board", "board.json", "Print the board, for Grafana's import of dashboards.")
