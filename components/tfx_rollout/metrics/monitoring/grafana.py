"""Panels in a few words, and the JSON that Grafana wants for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SCHEMA_VERSION = 39
"""Of Grafana 11; newer ones take it as well."""
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""The Prometheus that is chosen on the board."""

Json = dict[str, Any]
Kind = Literal["timeseries", "table", "stat", "state-timeline"]

_WIDTH, _HEIGHT = 24, 8


@dataclass(frozen=True)
class Query:
    """One query in Prometheus' language, and what its series are called."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One panel: a title, a sentence, and queries whose values have a unit of Grafana's."""

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Kind = "timeseries"
    width: int = 12
    stacked: bool = False
    logarithmic: bool = False
    most: float | None = None
    """The end of the scale, where it has one."""
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Text and colour for single values."""


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def datasource_variable() -> Json:
    """The choice of a Prometheus, `${datasource}`."""
    return {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "hide": 0}


def label_variable(label: str, metric: str, title: str) -> Json:
    """The choice of values of a label, `$<label>`, all by default."""
    query = f"label_values({metric}, {label})"
    return {
        "type": "query",
        "name": label,
        "label": title,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": label},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def placed(rows: Sequence[Row]) -> Iterator[Json]:
    """The panels from left to right, in lines below their row's heading."""
    number, y = 1, 0
    for row in rows:
        place = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, y, x = number + 1, y + 1, 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y = 0, y + _HEIGHT
            yield _panel(panel, number, {"h": _HEIGHT, "w": panel.width, "x": x, "y": y})
            number, x = number + 1, x + panel.width
        y += _HEIGHT


def _panel(panel: Panel, number: int, place: Json) -> Json:
    instant = panel.kind in ("table", "stat")
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": DATASOURCE,
            "expr": query.expr,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
            **({"format": "table"} if panel.kind == "table" else {}),
        }
        for index, query in enumerate(panel.queries)
    ]
    found: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": _field_defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }
    if panel.kind == "table":
        hidden = dict.fromkeys(("Time", "__name__", "job", "instance"), True)
        found["transformations"] = [
            {"id": "organize", "options": {"excludeByName": hidden, "renameByName": {"Value": "answers"}}}
        ]
    return found


_OPTIONS: dict[Kind, Json] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
    "table": {"showHeader": True},
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"]},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
    },
    "state-timeline": {"showValue": "never", "legend": {"displayMode": "list", "placement": "bottom"}},
}


def _field_defaults(panel: Panel) -> Json:
    defaults: Json = {"unit": panel.unit}
    if panel.kind == "timeseries":
        custom: Json = {"lineWidth": 1, "fillOpacity": 60 if panel.stacked else 0, "showPoints": "never"}
        custom["stacking"] = {"mode": "normal" if panel.stacked else "none"}
        custom["scaleDistribution"] = {"type": "log", "log": 10} if panel.logarithmic else {"type": "linear"}
        defaults["custom"] = custom
        if not panel.logarithmic:
            defaults["min"] = 0
    if panel.most is not None:
        defaults["max"] = panel.most
    if panel.values:
        options = {value: {"text": text, "color": colour} for value, (text, colour) in panel.values.items()}
        defaults["mappings"] = [{"type": "value", "options": options}]
    return defaults
