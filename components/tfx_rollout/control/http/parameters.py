"""What stands in addresses and headers, in the forms that it may have."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Path, Query
from pydantic.json_schema import SkipJsonSchema

from tfx_rollout.control.documents import FieldFault
from tfx_rollout.control.documents.form import Why
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.sentences import detail

Model = Annotated[
    str, Path(description="The model's name.", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$", examples=["taxi"], max_length=64)
]
VersionPath = Annotated[int, Path(description="The version's number.", ge=0, le=2**63 - 1, examples=[2], alias="version")]
Alias = Annotated[
    str, Path(description="A label of the operator's own.", pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$", examples=["blue"])
]
PlanName = Annotated[
    str, Path(description="The plan's name.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", examples=["default"], alias="name")
]
RolloutId = Annotated[
    str,
    Path(
        description="The rollout's id.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$",
        examples=["20261122T100545-v2"],
        alias="rollout",
    ),
]
ExperimentId = Annotated[
    str,
    Path(
        description="The A/B test's id.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$",
        examples=["20261122T100545-buttons"],
        alias="experiment",
    ),
]
TokenName = Annotated[
    str, Path(description="Whose token.", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$", examples=["ann"], alias="name")
]
WhyQuery = Annotated[Why, Query(description="The reason, for the record.")]
DryRun = Annotated[bool, Query(description="Say what the change would do, and do nothing.")]
Limit = Annotated[int, Query(description="At most so many.", ge=1, le=1000)]
Offset = Annotated[int, Query(description="Leave out the first so many.", ge=0, le=10**9)]
IfMatch = Annotated[
    str | SkipJsonSchema[None],
    Header(
        description='The state that the change is based on: its ETag, such as "7"; or * for any.',
        examples=['"7"'],
        max_length=200,
        json_schema_extra={"pattern": r'^(\*|"[0-9]{1,18}")$'},
    ),
]
IfMatchRevision = Annotated[
    str | SkipJsonSchema[None],
    Header(
        alias="if-match",
        description="The revision that the order is based on: its ETag; or * for any.",
        examples=["*"],
        max_length=200,
        json_schema_extra={"pattern": r'^(\*|"[A-Za-z0-9.:_-]{1,100}")$'},
    ),
]
IfNoneMatch = Annotated[str | SkipJsonSchema[None], Header(description="The ETag of what is known already.", max_length=1000)]

_TAG = re.compile(r'"([^"]*)"')


def generation(if_match: str | None) -> int | None:
    """The generation that a change is based on; None where any will do. Raises `Refused`."""
    tag = revision(if_match)
    if tag is None:
        return None
    if not tag.isdecimal() or len(tag) > 18:
        raise _wrong(f'is {if_match!r}, but must be a generation in quotes, such as "7", or *')
    return int(tag)


def revision(if_match: str | None) -> str | None:
    """The revision that an order is based on; None where any will do. Raises `Refused`."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise _wrong(f'is {if_match!r}, but must be one ETag in quotes, such as "7", or *')
    return found[1]


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether the one who asks has what has this ETag already."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags


def _wrong(reason: str) -> Refused:
    fault = FieldFault(field="header.if-match", reason=reason)
    return Refused(422, "invalid-input", detail([fault]), errors=[fault])
