"""Faults of a plan document, each as one sentence with field, value and mend. Pure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, get_args

from pydantic import BaseModel

from tfx_rollout.rollout.plan import BAKE_SECONDS, HOLD_BACK, METRICS, Limits, Stage
from tfx_rollout.traffic import FULL

_ORDER = ("shadow", "header", "canary", "bake")
_FIELD_OF = {"share": "canary", "mirror": "shadow", "hold_back": "bake"}
_LIMITS = ("failure_rate", "p99_ms", "throughput_rps")

Fields = Mapping[Any, Any]


def between_fields(document: Fields) -> list[str]:
    """Faults that no field has alone. Reads the raw document, so that they show beside those of single fields."""
    found = document.get("stages")
    stages = list(enumerate(found)) if isinstance(found, list) else []
    known = [(i, stage) for i, stage in stages if isinstance(stage, Mapping) and stage.get("kind", "canary") in _ORDER]
    return [
        *_stage_order(known),
        *_fields_of_kinds(known),
        *_growing_shares(known),
        *_stage_times(known),
        *_weights(document),
        *_unit(document),
        *_ages(document),
        *_step_back(document),
    ]


def sentence(document: type[BaseModel], error: Mapping[str, Any]) -> str:
    """One of pydantic's errors as `field is value; what it must be`. `document` is the model that was validated."""
    place, kind, ctx = error["loc"], error["type"], error.get("ctx", {})
    if kind == "string_unicode":
        # Half a surrogate pair; pydantic names no place where it is within the name of a field.
        return f"{path_of(place) or 'document'} has a text that is no Unicode; give text in UTF-8"
    path = path_of(place)
    section = _section(document, place[:-1])
    if kind == "extra_forbidden":
        known = list(section.model_fields)
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"remove it, or use one of {', '.join(known)}"
        return f"{path} is an unknown key; {mend}"
    if kind == "missing":
        return f"{path} is missing; add it"
    must = {
        "greater_than": lambda: f"must be greater than {ctx['gt']:g}",
        "greater_than_equal": lambda: f"must be at least {ctx['ge']:g}",
        "less_than": lambda: f"must be less than {ctx['lt']:g}",
        "less_than_equal": lambda: f"must be at most {ctx['le']:g}",
        "literal_error": lambda: f"must be {ctx['expected']}",
        "too_short": lambda: f"must have at least {ctx['min_length']} entry",
        "too_long": lambda: f"must have at most {ctx['max_length']} entries",
        "string_pattern_mismatch": lambda: f"must be {_named(str(place[-1]))}: letters, digits, '-' and '_'",
        "string_type": lambda: "must be a text",
        "float_type": lambda: "must be a plain number, without quotes, unit or percent sign",
        "int_type": lambda: "must be a whole number",
        "bool_type": lambda: "must be true or false",
        "finite_number": lambda: "must be a finite number",
        "list_type": lambda: "must be a list",
        "model_type": lambda: "must be a mapping of fields",
    }.get(kind, lambda: error["msg"][0].lower() + error["msg"][1:])()
    examples = _examples(section, place[-1])
    return f"{path} is {shown(error['input'])}, but {must}" + (f"; give {examples[0]!r}, say" if examples else "")


def _named(field: str) -> str:
    return "the name of a header" if field.endswith("header") else f"a {field} of 1 to 64 characters"


def shown(value: object) -> str:
    """A value as a sentence can carry it."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# Stages


def _stage_order(stages: Sequence[tuple[int, Fields]]) -> list[str]:
    faults = []
    kinds = [(i, stage.get("kind", "canary")) for i, stage in stages]
    for (_, before), (i, kind) in pairwise(kinds):
        if _ORDER.index(kind) < _ORDER.index(before):
            faults.append(f"stages[{i}].kind is {kind!r} after {before!r}; give the kinds in the order {', '.join(_ORDER)}")
        elif kind == before == "bake":
            faults.append(f"stages[{i}].kind is 'bake' a second time; there is one bake stage at most, make it longer instead")
    if kinds and "canary" not in [kind for _, kind in kinds]:
        faults.append("stages has no canary stage; add at least one with a share of the traffic")
    return faults


def _fields_of_kinds(stages: Sequence[tuple[int, Fields]]) -> list[str]:
    faults = []
    for i, stage in stages:
        kind = stage.get("kind", "canary")
        if kind == "canary" and stage.get("share") is None:
            faults.append(f"stages[{i}].share is missing; add it")
        for name, owner in _FIELD_OF.items():
            if kind != owner and stage.get(name) is not None:
                faults.append(
                    f"stages[{i}].{name} is {shown(stage[name])} in a {kind} stage; only a {owner} stage has it, remove it"
                )
    return faults


def _growing_shares(stages: Sequence[tuple[int, Fields]]) -> list[str]:
    shares = []
    for i, stage in stages:
        kind = stage.get("kind", "canary")
        if kind == "canary" and _is_number(stage.get("share")):
            shares.append((f"stages[{i}].share is {stage['share']}", stage["share"]))
        if kind == "bake" and _is_number(hold_back := stage.get("hold_back", HOLD_BACK)):
            shares.append((f"stages[{i}].hold_back is {hold_back}, which leaves a share of {1 - hold_back:g}", 1 - hold_back))
    return [
        f"{high_said}, not more than the {low:g} of the stage before; shares must grow by 0.01 % or more"
        for (_, low), (high_said, high) in pairwise(shares)
        if round(high * FULL) <= round(low * FULL)
    ]


def _stage_times(stages: Sequence[tuple[int, Fields]]) -> list[str]:
    faults = []
    for i, stage in stages:
        usual = BAKE_SECONDS if stage.get("kind") == "bake" else Stage.min_seconds
        least, most = stage.get("min_seconds", usual), stage.get("max_seconds", Stage.max_seconds)
        if _is_number(least) and _is_number(most) and least >= most:
            faults.append(
                f"stages[{i}].min_seconds is {least}, not less than its max_seconds {most}; lower the one or raise the other"
            )
    return faults


# Metrics and the rest


def _weights(document: Fields) -> list[str]:
    """A fault where no metric counts. A section that is left out has the usual weight; limits count where there are some."""
    sections = {name: document.get(name, {}) for name in METRICS}
    if not all(isinstance(section, Mapping) for section in sections.values()):
        return []
    if all(sections["limits"].get(name) is None for name in _LIMITS):
        del sections["limits"]
    if all(_is_number(weight := section.get("weight", Limits.weight)) and weight == 0 for section in sections.values()):
        named = ", ".join(f"{name}.weight" for name in sections)
        return [f"{named} are all 0, so that nothing would be judged; give at least one of them a weight above 0"]
    return []


def _unit(document: Fields) -> list[str]:
    unit, header = document.get("unit", "request"), document.get("unit_header")
    if unit == "user" and header is None:
        return ["unit_header is missing, which unit 'user' needs; name the request header that tells users apart"]
    if unit == "request" and header is not None:
        return [f"unit_header is {shown(header)} while unit is 'request'; set unit to 'user', or remove the header"]
    return []


def _ages(document: Fields) -> list[str]:
    ages = _list(document, "accuracy", "ages")
    return [
        f"accuracy.ages[{i}] is {age}, not more than the {before} before it; ages must grow"
        for i, (before, age) in enumerate(pairwise(ages), start=1)
        if _is_number(before) and _is_number(age) and age <= before
    ]


def _step_back(document: Fields) -> list[str]:
    shares = _list(document, "step_back", "shares")
    return [
        f"step_back.shares[{i}] is {share}, not less than the {before} before it; the shares must fall by 0.01 % or more"
        for i, (before, share) in enumerate(pairwise(shares), start=1)
        if _is_number(before) and _is_number(share) and round(share * FULL) >= round(before * FULL)
    ]


def _list(document: Fields, section: str, name: str) -> list[Any]:
    found = document.get(section)
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# Where in the document


def _section(document: type[BaseModel], place: Sequence[str | int]) -> type[BaseModel]:
    """The model in which the last part of a place is a field; entries of a plain list belong to the list's field."""
    section = document
    for part in place:
        if isinstance(part, str):
            section = next(_models(section.model_fields[part].annotation), section)
    return section


def _models(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _examples(section: type[BaseModel], name: str | int) -> list[Any]:
    described = section.model_json_schema()["properties"].get(str(name), {})
    alternatives = [described, *described.get("anyOf", [])]
    return next((found["examples"] for found in alternatives if "examples" in found), [])


def path_of(place: Sequence[str | int]) -> str:
    """A place in a document as people write it: `stages[0].share`."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
