"""Describes the Grafana board and writes it: `python -m tfx_rollout.metrics.monitoring.board` renews `board.json`.

Every query takes the model from the board's variable and Prometheus from its data source variable.
"""

from __future__ import annotations

import json

from tfx_rollout.metrics.monitoring import FOLDER
from tfx_rollout.metrics.monitoring.grafana import (
    DATASOURCE,
    SCHEMA_VERSION,
    Json,
    datasource_variable,
    label_variable,
    placed,
)
from tfx_rollout.metrics.monitoring.rows import MODELS, ROWS

FILE = FOLDER / "board.json"


def board() -> Json:
    """The board as Grafana imports it."""
    return {
        "uid": "tfx-rollout",
        "title": "tfx-rollout",
        "description": "Versions, traffic, rollouts and A/B tests of a TensorFlow Serving setup.",
        "tags": ["tfx-rollout"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [datasource_variable(), label_variable("model", "tfx_rollout_desired_generation", "Model")]},
        "annotations": {"list": [_rollback_marks()]},
        "links": [],
        "panels": list(placed(ROWS)),
    }


def _rollback_marks() -> Json:
    return {
        "name": "Rolled back",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'increase(tfx_rollout_rollouts_ended_total{{{MODELS},outcome="rolled_back"}}[$__interval]) > 0',
        "titleFormat": "{{model}} rolled back",
        "step": "1m",
    }


def render() -> str:
    """The board as text, as it is kept in `FILE`."""
    return json.dumps(board(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
