"""The report as one HTML page that needs no network: `template/` filled in with the document.

The text is there without JavaScript; the charts are drawn by uPlot (in `template/uplot/`, MIT licence) from the
document, which the page has whole. A content security policy keeps the page from loading or running anything else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_rollout.errors import RolloutError
from tfx_rollout.rollout.report.wording import FILTERS

if TYPE_CHECKING:
    import jinja2

TEMPLATE = Path(__file__).parent / "template"

STRONGEST = 4
"""So many tests of a metric are shown, the ones with the most evidence; the data have them all."""

_SIGNS = {"good": "✓", "bad": "✗", "mild": "!", "plain": "·"}
_TONES = {
    "good": ("promoted", "first_version", "passed", "pass", "advance", "holding"),
    "bad": ("rolled_back", "rolling_back", "stepping_back", "failed", "rollback"),
    "mild": ("ask", "inconclusive", "awaiting_approval", "paused"),
}


def render_html(document: Mapping[str, Any]) -> str:
    """The page of a report (`build_report`). Raises `RolloutError` where Jinja2, which fills it in, is not installed."""
    library = f"/*\n{_text('uplot/LICENSE')}\n*/\n{_text('uplot/uPlot.iife.min.js')}"  # its licence goes where it goes
    script = _text("charts.js") + _text("page.js")
    styles = _text("uplot/uPlot.min.css") + _text("colours.css") + _text("common.css") + _text("page.css")
    environment = _environment()
    safe = environment.filters["safe"]
    return environment.get_template("page.html.j2").render(
        report=document,
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {_hash(library)} {_hash(script)}",
        styles=safe(styles),
        library=safe(library),
        script=safe(script),
        data=safe(json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")),
        plan=json.dumps(document["plan_document"], indent=2, ensure_ascii=False),
        tones=_Tones(),
        signs=_SIGNS,
        strongest=STRONGEST,
        flagged=(document["evidence"] or {}).get("flagged", ()),
        checks=_checks(document),
        **_answers(document),
    )


class _Tones(dict[str, str]):
    """The colour of an outcome, call or phase: `good`, `bad` or `mild`; `plain` for all others."""

    def __init__(self) -> None:
        super().__init__({word: tone for tone, words in _TONES.items() for word in words})

    def __missing__(self, word: str) -> str:
        return "plain"


def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ImportError as error:
        raise RolloutError("The page of a report needs Jinja2, which is not installed; run `pip install jinja2`.") from error
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE), autoescape=True)
    environment.filters.update(FILTERS)
    return environment


def _text(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """A script as a content security policy allows it by its content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


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
