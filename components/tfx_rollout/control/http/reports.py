"""Answering with a report: as JSON or as a page, kept by revision, and not sent again to who has it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.headers import REPORT_POLICY
from tfx_rollout.control.http.keeping import Answer, KeptAnswers
from tfx_rollout.control.http.parameters import IfNoneMatch, is_known
from tfx_rollout.control.http.route import header

_ETAG = {"ETag": header("The revision and form of the report, for If-None-Match.", '"12.3.0.json"')}
_FORMS = {"application/json": {"schema": {"type": "object"}}, "text/html": {"schema": {"type": "string"}}}
REPORT_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The report.", "headers": _ETAG, "content": _FORMS},
    304: {"description": "The report is the one that is known already.", "headers": _ETAG},
}
"""What a route can answer that gives a report, as JSON and as a page."""


@dataclass(frozen=True)
class ReportWanted:
    """In which form a report is wanted, and what of it is known already."""

    kept: KeptAnswers
    page: bool
    if_none_match: str | None

    def answer(
        self,
        about: tuple[str, ...],
        revision: str,
        build: Callable[[], Mapping[str, Any]],
        render: Callable[[Mapping[str, Any]], str],
    ) -> Response:
        """The report in this revision, or 304. `render` makes the page of what `build` gives, where that is wanted."""
        form = "html" if self.page else "json"
        etag = f'"{revision}.{form}"'
        # The browser may keep it, and asks each time whether it is still the one.
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
        if is_known(etag, self.if_none_match):
            return Response(status_code=304, headers=headers)

        known = self.kept.find((*about, form), revision)
        if known is None:
            document = build()
            text = render(document) if self.page else json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            known = Answer(text.encode())
            self.kept.keep((*about, form), revision, known, seconds=math.inf)
        if not self.page:
            return Response(known.body, headers=headers, media_type="application/json")
        return Response(known.body, headers={**headers, "Content-Security-Policy": REPORT_POLICY}, media_type="text/html")


async def _wanted(
    request: Request,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
    form: Annotated[
        Literal["json", "html"] | SkipJsonSchema[None], Query(alias="format", description="Instead of Accept.")
    ] = None,
    if_none_match: IfNoneMatch = None,
) -> ReportWanted:
    back: Back = request.app.state.back
    return ReportWanted(back.reports, _wants_page(form, accept), if_none_match)


def _wants_page(form: str | None, accept: str | None) -> bool:
    """Whether the page is asked for: by `?format=html`, or as browsers do."""
    if form is not None:
        return form == "html"
    return "text/html" in (accept or "") and "application/json" not in (accept or "")


WantedReport = Annotated[ReportWanted, Depends(_wanted)]
"""What a route is given that answers with a report."""
