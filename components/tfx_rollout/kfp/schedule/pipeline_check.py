"""What a pipeline's compiled form says against a schedule of it: tasks that are cached, parameters that do not fit. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

_KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "STRING": ("a text", (str,)),
    "NUMBER_INTEGER": ("a whole number", (int,)),
    "NUMBER_DOUBLE": ("a number", (int, float)),
    "BOOLEAN": ("true or false", (bool,)),
    "LIST": ("a list", (list,)),
    "STRUCT": ("a mapping", (Mapping,)),
}


def pipeline_faults(spec: Mapping[str, Any], parameters: Mapping[str, Any], pipeline: str) -> list[str]:
    """Why runs of this pipeline (as it was uploaded) would not do with these parameters, each with its mend."""
    form = spec.get("pipeline_spec", spec)
    cached = sorted(_cached_tasks(form))
    faults = []
    if cached:
        faults.append(
            f"pipeline {pipeline} answers {_listed(cached)} from the cache, which a recurring run cannot switch off: "
            "compile it without caching and upload that"
        )
    root = form.get("root", {})
    return faults + _parameter_faults(root.get("inputDefinitions", {}).get("parameters", {}), parameters, pipeline)


def _cached_tasks(form: Mapping[str, Any]) -> Iterator[str]:
    for part in (form.get("root", {}), *form.get("components", {}).values()):
        for name, task in part.get("dag", {}).get("tasks", {}).items():
            if task.get("cachingOptions", {}).get("enableCache"):
                yield name


def _parameter_faults(known: Mapping[str, Any], given: Mapping[str, Any], pipeline: str) -> list[str]:
    faults = []
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            mend = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
            faults.append(f"parameters.{name} is none of pipeline {pipeline}; {mend}")
    for name, definition in known.items():
        if name not in given:
            if "defaultValue" not in definition and not definition.get("isOptional"):
                faults.append(f"parameters.{name} is missing, which pipeline {pipeline} needs; add it")
            continue
        said, kinds = _KINDS.get(definition.get("parameterType", ""), ("", ()))
        value = given[name]
        if said and (not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)):
            faults.append(f"parameters.{name} is {value!r}, but pipeline {pipeline} needs {said}; correct it")
    return faults


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:5])} and {len(names) - 5} more"
