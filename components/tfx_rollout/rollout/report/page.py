"""The report as one HTML page that needs no network: `template/` filled in with the document.

The text is there without JavaScript; the charts are drawn by uPlot (in `template/uplot/`, MIT licence) from the
document, which the page has whole. A content security policy keeps the page from loading or running anything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_rollout.rollout.report.one_page import Tones, one_page

STRONGEST = 4
"""So many tests of a metric are shown, the ones with the most evidence; the data have them all."""

TEMPLATE = Path(__file__).parent / "template"

_TONES = Tones(
    good=("promoted", "first_version", "passed", "pass", "advance", "holding"),
    bad=("rolled_back", "rolling_back", "stepping_back", "failed", "rollback"),
    mild=("ask", "inconclusive", "awaiting_approval", "paused"),
)


def render_html(document: Mapping[str, Any]) -> str:
    """The page of a report (`build_report`). Raises `RolloutError` where Jinja2, which fills it in, is not installed."""
    return one_page(
        document,
        TEMPLATE / "page.html.j2",
        scripts=[TEMPLATE / "page.js"],
        styles=[TEMPLATE / "page.css"],
        plan=json.dumps(document["plan_document"], indent=2, ensure_ascii=False),
        tones=_TONES,
        strongest=STRONGEST,
        flagged=(document["evidence"] or {}).get("flagged", ()),
        checks=_checks(document),
        **_answers(document),
    )


def _checks(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Per stage the gates and guards as it was left with them."""
    found = []
    for stage in document["stages"]:
        evidence = stage["evidence"]
        if evidence is None:
            continue
        rows = [{**gate, "name": name, "good": gate["passed"]} for name, gate in evidence["gates"].items()]
        rows += [{**guard, "name": name, "good": not guard["raised"]} for name, guard in evidence.get("guards", {}).items()]
        shown = sum(row["good"] for row in rows)
        found.append({"stage": stage["stage"], "rows": rows, "shown": shown, "remaining": evidence.get("remaining")})
    return found


def _answers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Shares of the predictions by track, the largest of them (the length of a whole bar), and the totals."""
    found = document["predictions"]
    if found is None:
        return {"answers": []}
    bins = found["bins"]
    totals = {name: sum(row[name] for row in bins) for name in bins[0] if name != "name"}
    totals = {name: total for name, total in totals.items() if total}
    rows = [{"name": row["name"], "shares": {name: row[name] / total for name, total in totals.items()}} for row in bins]
    return {"answers": rows, "totals": totals, "widest": max(share for row in rows for share in row["shares"].values())}
