"""The report of an A/B test as one HTML page, of the same form as a rollout's and with the same charts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.rollout.report.one_page import SHARED, Tones, one_page

TEMPLATE = Path(__file__).parent / "template"

_TONES = Tones(good=("winner", "better"), bad=("failed", "worse", "harmful"), mild=("inconclusive", "stopped"))


def render_experiment_html(document: Mapping[str, Any]) -> str:
    """The page of a report (`build_experiment_report`), which needs no network.

    Raises `RolloutError` where Jinja2, which fills it in, is not installed.
    """
    return one_page(
        document,
        TEMPLATE / "experiment.html.j2",
        scripts=[TEMPLATE / "page.js"],
        styles=[SHARED / "page.css", TEMPLATE / "page.css"],
        plan=json.dumps(document["plan_document"], indent=2, ensure_ascii=False),
        tones=_TONES,
        users=sum(arm["users"] for arm in document["arms"]),
    )
