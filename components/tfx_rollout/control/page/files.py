"""The files of the page, by the names under which browsers ask for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tfx_rollout.rollout.report.page import TEMPLATE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The content security policy of the page: only files of this server, nothing inline, in nobody's frame."""

_PAGE = Path(__file__).parent
_SHARED = ("charts.js", "colours.css", "common.css", "uplot/uPlot.iife.min.js", "uplot/uPlot.min.css", "uplot/LICENSE")
"""What the page has in common with that of the report, below the report's template."""
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    "": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class PageFile:
    """One file as it is served. `etag` changes with its content."""

    content: bytes
    media_type: str
    etag: str


@cache
def page_files() -> Mapping[str, PageFile]:
    """All files, by their path below `/page/`: `index.html`, `js/main.js`, `uplot/uPlot.min.css`, … ."""
    own = {
        path.relative_to(_PAGE).as_posix(): path for path in _PAGE.rglob("*") if path.suffix in (".html", ".js", ".css", ".svg")
    }
    return {name: _read(path) for name, path in sorted({**own, **{name: TEMPLATE / name for name in _SHARED}}.items())}


def _read(path: Path) -> PageFile:
    content = path.read_bytes()
    return PageFile(content, _MEDIA_TYPES[path.suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
