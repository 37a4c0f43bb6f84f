"""A report as one HTML page that needs no network: a template filled in with the document.

What all of them have in common: the library for charts, its wrapping (`template/charts.js`), colours and styles, and a content
security policy that keeps the page from loading or running anything else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_rollout.errors import RolloutError
from tfx_rollout.rollout.report.wording import FILTERS

if TYPE_CHECKING:
    import jinja2

SHARED = Path(__file__).parent / "template"

SIGNS = {"good": "✓", "bad": "✗", "mild": "!", "plain": "·"}


class Tones(dict[str, str]):
    """The colour of an outcome, call or phase: `good`, `bad` or `mild`; `plain` for all others."""

    def __init__(self, *, good: Sequence[str], bad: Sequence[str], mild: Sequence[str]) -> None:
        tones = {"good": good, "bad": bad, "mild": mild}
        super().__init__({word: tone for tone, words in tones.items() for word in words})

    def __missing__(self, word: str) -> str:
        return "plain"


def one_page(
    document: Mapping[str, Any], template: Path, *, scripts: Sequence[Path], styles: Sequence[Path], **names: Any
) -> str:
    """The page. The template finds the document as `report`, and `names`; `scripts` run after the library and its wrapping.

    Raises `RolloutError` where Jinja2, which fills it in, is not installed.
    """
    uplot = SHARED / "uplot"
    library = f"/*\n{_text(uplot / 'LICENSE')}\n*/\n{_text(uplot / 'uPlot.iife.min.js')}"  # its licence goes where it goes
    script = "".join(_text(path) for path in (SHARED / "charts.js", *scripts))
    style = "".join(_text(path) for path in (uplot / "uPlot.min.css", SHARED / "colours.css", SHARED / "common.css", *styles))
    environment = _environment(template.parent)
    safe = environment.filters["safe"]
    return environment.get_template(template.name).render(
        report=document,
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {_hash(library)} {_hash(script)}",
        styles=safe(style),
        library=safe(library),
        script=safe(script),
        data=safe(json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")),
        signs=SIGNS,
        **names,
    )


def _environment(folder: Path) -> jinja2.Environment:
    try:
        import jinja2
    except ImportError as error:
        raise RolloutError("The page of a report needs Jinja2, which is not installed; run `pip install jinja2`.") from error
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader([folder, SHARED]), autoescape=True)
    environment.filters.update(FILTERS)
    return environment


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """A script as a content security policy allows it by its content."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
