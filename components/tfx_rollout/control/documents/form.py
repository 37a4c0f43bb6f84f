"""What every document has in common, and the kinds of values that several have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tfx_rollout.control.documents.json_form import json_form

NO_CONTROLS = r"^[^\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]*$"
"""Nothing that moves a terminal or turns the direction of writing; ends of lines and other white space may be there."""


def _one_line(text: Any) -> Any:
    return " ".join(text.split()) if isinstance(text, str) else text


Why = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=NO_CONTROLS), BeforeValidator(_one_line)]
"""The reason for a change, for the record; it becomes one line."""
VersionNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A version of a model, as TensorFlow Serving has it (int64)."""
Share = Annotated[float, Field(ge=0, le=1)]
Json = dict[str, Any]
"""A document of somebody else's making, as it was given."""
Told = Annotated[dict[str, Any], BeforeValidator(json_form)]
"""A document that is told as it lies on disk, with nothing in it that JSON does not have (`json_form`)."""


class Document(BaseModel):
    """What comes out. It may get new fields within version 1 of the API."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Wanted(BaseModel):
    """What is given in. Unknown fields are refused, so that a misspelt one is not passed over, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True)
