"""What every document has in common, and the kinds of values that several have."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
"""The reason for a change, for the record."""
VersionNumber = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A version of a model, as TensorFlow Serving has it (int64)."""
Share = Annotated[float, Field(ge=0, le=1)]
Json = dict[str, Any]


class Document(BaseModel):
    """What comes out. It may get new fields within version 1 of the API."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Wanted(BaseModel):
    """What is given in. Unknown fields are refused, so that a misspelt one is not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
