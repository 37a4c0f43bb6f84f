"""The web page: files without any data in them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from tfx_rollout.control.http.parameters import IfNoneMatch, is_known
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.route import public, routes_of
from tfx_rollout.control.page import POLICY, page_files

router = routes_of(None)


@router.get("/", **public())
async def get_page(if_none_match: IfNoneMatch = None) -> Response:
    """The page."""
    return _file("index.html", if_none_match)


@router.get("/page/{name:path}", **public(404))
async def get_page_file(name: Annotated[str, Path(max_length=200)], if_none_match: IfNoneMatch = None) -> Response:
    """A file that the page is made of."""
    return _file(name, if_none_match)


def _file(name: str, if_none_match: str | None) -> Response:
    found = page_files().get(name)
    if found is None:
        raise Refused(404, "not-found", f"The page has no file {name!r}.")
    # Kept by browsers, which ask each time whether it is still the one: a new release shows at once.
    headers = {"ETag": found.etag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    if is_known(found.etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.media_type)
