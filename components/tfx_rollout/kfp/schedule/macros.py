"""What Kubeflow Pipelines writes into the parameters of a recurring run: `[[ScheduledTime]]` and its like. Pure.

    [[ScheduledTime]]                    the time the run was due, 20270131023000
    [[ScheduledTime.2006-01-02]]         the same in a layout of Go
    [[CurrentTime]], [[CurrentTime.…]]   the time it really started
    [[Index]]                            1, 2, 3 …
    [[RunUUID]]                          the run's id
    {{$.scheduledTime.strftime('%Y')}}   the time it was due, as strftime formats it; also currentTime

They are expanded in parameters that are texts, not within lists or mappings, and what Kubeflow
Pipelines does not know it leaves as it is. So everything else that looks like a macro is a fault here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

_MACRO = re.compile(r"\[\[(.*?)\]\]|\{\{\$\.(.*?)\}\}")
_PLAIN = ("ScheduledTime", "CurrentTime", "Index", "RunUUID")
_STRFTIME = re.compile(r"(scheduledTime|currentTime)\.strftime\('([^']*)'\)")
_GO_LAYOUT = re.compile(r"2006|06|01|02|15|03|04|05|Jan|Mon|MST|PM|Z07|-07|_2|002")


def macro_faults(parameters: Mapping[str, object], place: str) -> list[str]:
    """What is wrong with the macros in these parameters, each beginning with its place."""
    faults = []
    for name, value in parameters.items():
        if isinstance(value, str):
            faults += [f"{place}.{name} has the macro {text!r}, {fault}" for text, fault in _faults(value)]
        else:
            faults += [
                f"{place}.{name} has the macro {text!r} within a list or mapping, where Kubeflow Pipelines does not expand it; "
                "give it a parameter of its own that is a text"
                for text in _nested(value)
            ]
    return faults


def _faults(value: str) -> Iterator[tuple[str, str]]:
    for found in _MACRO.finditer(value):
        fault = _of_brackets(found[1]) if found[1] is not None else _of_braces(found[2])
        if fault:
            yield found[0], fault


def _of_brackets(body: str) -> str | None:
    if body in _PLAIN:
        return None
    kind, _, layout = body.partition(".")
    if kind in ("ScheduledTime", "CurrentTime") and layout:
        if "%" in layout:
            return (
                f"whose layout is not Go's; write {{{{$.{kind[0].lower()}{kind[1:]}.strftime('{layout}')}}}} for a strftime one"
            )
        if not _GO_LAYOUT.search(layout):
            return (
                "whose layout names no part of a time in Go's way (2006-01-02T15:04:05), so that it would be the same in each run"
            )
        return None
    near = difflib.get_close_matches(body, _PLAIN, n=1, cutoff=0.5)
    meant = f"did you mean [[{near[0]}]]?" if near else f"use one of {', '.join(f'[[{name}]]' for name in _PLAIN)}"
    return f"which Kubeflow Pipelines does not know and would leave as it is; {meant}"


def _of_braces(body: str) -> str | None:
    found = _STRFTIME.fullmatch(body)
    if found is None:
        return "which Kubeflow Pipelines does not know and would leave as it is; write {{$.scheduledTime.strftime('%Y%m%d')}}"
    return None if "%" in found[2] else "whose format has no % field, so that it would be the same in each run"


def _nested(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found[0] for found in _MACRO.finditer(value))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _nested(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nested(inner)
