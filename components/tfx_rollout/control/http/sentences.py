"""What is wrong with what was given, as a sentence with field, value and mend. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfx_rollout.control.documents import FieldFault
from tfx_rollout.control.documents.form import NO_CONTROLS

_BRANCH = re.compile(r"str|int|float|bool|(?:dict|list|literal|nullable|function-[a-z]+|constrained-[a-z]+)\b.*")
MOST_FAULTS = 50
"""So many faults are told; a body with thousands of wrong rows has no answer that long."""

_MUST: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is missing; give it",
    "extra_forbidden": lambda _: "is not known here; leave it out, or see whether it is misspelt",
    "string_type": lambda _: "must be a text",
    "string_too_short": lambda c: f"must have at least {c['min_length']} character(s)",
    "string_too_long": lambda c: f"must have at most {c['max_length']} characters",
    "string_pattern_mismatch": lambda c: (
        "must have no control characters" if c["pattern"] == NO_CONTROLS else f"must look like {c['pattern']}"
    ),
    "string_unicode": lambda _: "must be Unicode text",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a smaller whole number",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "too_short": lambda c: f"must have at least {c['min_length']} entry",
    "too_long": lambda c: f"must have at most {c['max_length']} entries",
    "greater_than": lambda c: f"must be greater than {c['gt']:g}",
    "greater_than_equal": lambda c: f"must be at least {c['ge']:g}",
    "less_than": lambda c: f"must be less than {c['lt']:g}",
    "less_than_equal": lambda c: f"must be at most {c['le']:g}",
    "literal_error": lambda c: f"must be {c['expected']}",
    "enum": lambda c: f"must be {c['expected']}",
    "json_invalid": lambda c: f"is not JSON: {c.get('error', 'it cannot be read')}",
}


def faults(errors: Sequence[Mapping[str, Any]]) -> list[FieldFault]:
    """Pydantic's errors, each with its place (`body.version`, `query.limit`, `path.model`) and what must be."""
    # That a field which may be left out could be null helps nobody who gave it a value.
    told = [error for error in errors if error["type"] != "none_required"]
    found = [FieldFault(field=_place(error), reason=_reason(error)) for error in told[:MOST_FAULTS]]
    # The branches of a union complain each on its own, and often in the same words.
    return list({(fault.field, fault.reason): fault for fault in found}.values())


def detail(found: Sequence[FieldFault]) -> str:
    """All faults in one sentence."""
    listed = "; ".join(f"{fault.field} {fault.reason}" for fault in found[:5])
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return f"What was given is not valid: {listed}{more}."


def shown(value: object) -> str:
    """A value as a sentence can carry it."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _place(error: Mapping[str, Any]) -> str:
    place = tuple(error["loc"])
    if error["type"] == "json_invalid":
        place = place[:1]
    # Behind the field's own name Pydantic tells which branch of a union it tried.
    named = [str(part)[:60] for i, part in enumerate(place) if i < 2 or not _BRANCH.fullmatch(str(part))]
    return ".".join(named) or "body"


def _reason(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    must = _MUST.get(kind)
    said = must(error.get("ctx") or {}) if must else str(error["msg"])[:200]
    if kind in ("missing", "extra_forbidden", "json_invalid"):
        return said
    return f"is {shown(error.get('input'))}, but {said}" if must else said
