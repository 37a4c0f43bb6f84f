"""Parameters: those of the run, checked as the server does, and those of a task, resolved as the driver does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_rollout.errors import InvalidPlan, TaskFault
from tfx_rollout.kfp.runner import condition
from tfx_rollout.kfp.runner.exit_handlers import final_status
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.loop import item_input
from tfx_rollout.kfp.runner.scope import Scope
from tfx_rollout.kfp.runner.values import Value, as_value, fits, json_text, kind_name, kind_wanted, placeholder_text

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunFacts:
    """What a run knows of itself, for the constants that name it."""

    id: str
    name: str
    """Kubernetes' name of the run."""
    display_name: str
    created_at: str
    """UTC, RFC 3339."""


def run_parameters(root: Json, given: Json, locations: Locations, what: str) -> dict[str, Value]:
    """The pipeline's parameters: given values and defaults, places mapped. `InvalidPlan` with every fault.

    An optional one without a default is null, which the tasks that take it leave out.
    """
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    faults, values = [], {}
    for name in sorted(set(given) - set(declared)):
        faults.append(f"{name}: the pipeline has no such parameter; it has: {', '.join(sorted(declared)) or 'none'}")
    for name, spec in declared.items():
        kind = spec.get("parameterType", "")
        if name not in given:
            if "defaultValue" not in spec and not spec.get("isOptional"):
                faults.append(f"{name}: it has no default and is not optional; give it {kind_wanted(kind)}")
            values[name] = as_value(spec.get("defaultValue"))
            continue
        try:
            value = as_value(given[name])
        except ValueError as fault:
            faults.append(f"{name}: {fault}; give it {kind_wanted(kind)}")
            continue
        allowed = [as_value(literal) for literal in spec.get("literals", ())]
        if kind == "TASK_FINAL_STATUS" or not fits(value, kind):
            faults.append(f"{name}: it is {kind_name(value)}; give it {kind_wanted(kind)}")
        elif allowed and value not in allowed:
            faults.append(f"{name}: it is none of {', '.join(json_text(literal) for literal in allowed)}; give it one of these")
        values[name] = value
    if faults:
        raise InvalidPlan(f"the set of parameters for {what}", faults)
    return {name: locations.value(value) for name, value in values.items()}


def task_parameters(
    name: str, task: Json, component: Json, scope: Scope, facts: RunFacts, locations: Locations
) -> dict[str, Value]:
    """The input parameters of a task, as in its ExecutorInput. Raises TaskFault.

    Defaults of a component with a container are left out: the launcher adds them. A DAG
    gets its own, and null for what is optional and not given.
    """
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    wired = task.get("inputs", {}).get("parameters", {})
    values: dict[str, Value] = {}
    if "dag" in component:
        for key, spec in declared.items():
            if key not in wired and spec.get("isOptional"):
                values[key] = locations.value(as_value(spec.get("defaultValue")))
    for key, source in wired.items():
        optional = bool(declared.get(key, {}).get("isOptional"))
        value = _resolved(name, task, key, source, scope, facts, locations)
        if value is None and "componentInputParameter" in source:
            if optional:
                continue
            raise TaskFault(f"its parameter {key!r} takes the parameter {source['componentInputParameter']!r}, which is null")
        if value is None:
            raise TaskFault(f"its parameter {key!r} is null")
        if source.get("parameterExpressionSelector"):
            value = condition.select(value, source["parameterExpressionSelector"])
        values[key] = value
    for key, spec in declared.items():
        # A loop gets its list; the item is each round's own.
        missing = key not in values and key != item_input(task)
        if missing and not spec.get("isOptional") and "defaultValue" not in spec:
            raise TaskFault(f"its parameter {key!r} is not optional, and has neither a value nor a default")
    return of_their_kinds(component, values)


def of_their_kinds(component: Json, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, each of the type that the component declares; null, which only an optional one of a DAG is, as it is.

    A string parameter takes the text of every other kind. Raises TaskFault.
    """
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    kinds = {key: spec.get("parameterType", "") for key, spec in declared.items()}
    return {key: _of_its_kind(key, value, kinds[key]) if key in kinds else value for key, value in values.items()}


def defaults_of(component: Json, locations: Locations) -> dict[str, Value]:
    """The defaults that the launcher adds for parameters that were not given."""
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    return {key: locations.value(as_value(s["defaultValue"])) for key, s in declared.items() if "defaultValue" in s}


def _resolved(name: str, task: Json, key: str, source: Json, scope: Scope, facts: RunFacts, locations: Locations) -> Value:
    if "componentInputParameter" in source:
        wanted = source["componentInputParameter"]
        if wanted not in scope.parameters:
            raise TaskFault(f"its parameter {key!r} takes the parameter {wanted!r}, which its DAG does not have")
        return scope.parameters[wanted]
    if "taskOutputParameter" in source:
        producer = source["taskOutputParameter"]
        return scope.parameter_of(producer["producerTask"], producer["outputParameterKey"])
    if "taskFinalStatus" in source:
        return final_status(task, scope, facts.name)
    runtime = source.get("runtimeValue", {})
    if "constant" not in runtime:
        raise TaskFault(f"its parameter {key!r} has a source that open-source KFP does not know ({', '.join(source)})")
    constant = as_value(runtime["constant"])
    # Whole texts alone: within a longer one the driver does not look for them.
    known = {
        "{{$.pipeline_job_name}}": facts.display_name,
        "{{$.pipeline_job_resource_name}}": facts.name,
        "{{$.pipeline_job_uuid}}": facts.id,
        "{{$.pipeline_task_name}}": name,
        "{{$.pipeline_task_uuid}}": str(scope.dag_id),
        "{{$.pipeline_job_create_time_utc}}": facts.created_at,
        "{{$.pipeline_job_schedule_time_utc}}": facts.created_at,
    }
    return known[constant] if isinstance(constant, str) and constant in known else locations.value(constant)


def _of_its_kind(key: str, value: Value, kind: str) -> Value:
    if value is None:
        return None
    if kind == "STRING":
        return placeholder_text(value)
    if not fits(value, kind):
        raise TaskFault(f"its parameter {key!r} must be {kind_wanted(kind)}, but is {kind_name(value)}")
    return value
