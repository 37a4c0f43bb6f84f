"""The driver's part of an ExampleGen that reads files, done in its container.

TFX finds span, version and fingerprint in a driver, which on Kubeflow is a hook of the
container that open-source KFP never runs. The executor would then look for files of the
name `span-{SPAN}`.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from absl import logging
from tfx.components.example_gen import driver
from tfx.components.example_gen import utils as example_gen
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.types import standard_component_specs as keys

from tfx_rollout.errors import InvalidInput
from tfx_rollout.tfx.kubeflow.executor_input import Json

LATEST = "latest"
"""As `range_config`: the newest span that there is. A whole number is that span alone."""


def reads_files(executor: type, executor_input: Json) -> bool:
    """Whether the task is an ExampleGen over files: one whose span a driver would find."""
    return issubclass(executor, BaseExampleGenExecutor) and bool(_parameters(executor_input).get(keys.INPUT_BASE_KEY))


def resolve_span(executor_input: Json) -> Json:
    """A copy with span, version and fingerprint as parameters, the patterns resolved, and all of it on the examples.

    `InvalidInput` where no files match, or `range_config` says no range.
    """
    resolved = copy.deepcopy(executor_input)
    parameters = resolved["inputs"]["parameterValues"]
    properties = {**parameters, keys.RANGE_CONFIG_KEY: range_config(parameters.get(keys.RANGE_CONFIG_KEY))}
    try:
        # It asks the metadata for nothing: the files alone tell the span.
        found = driver.FileBasedDriver(None).resolve_exec_properties(properties, None, None)
    except ValueError as fault:
        raise InvalidInput(
            f"ExampleGen found no input below {parameters[keys.INPUT_BASE_KEY]}: {str(fault).rstrip('.')}; "
            "see to the data there, or choose another span."
        ) from fault
    facts = {
        example_gen.SPAN_PROPERTY_NAME: found[example_gen.SPAN_PROPERTY_NAME],
        example_gen.VERSION_PROPERTY_NAME: found[example_gen.VERSION_PROPERTY_NAME],
        example_gen.FINGERPRINT_PROPERTY_NAME: found[example_gen.FINGERPRINT_PROPERTY_NAME],
    }
    known = {name: value for name, value in facts.items() if value is not None}
    parameters.update(known)
    parameters[keys.INPUT_CONFIG_KEY] = found[keys.INPUT_CONFIG_KEY]
    parameters.pop(keys.RANGE_CONFIG_KEY, None)
    for artifact in resolved["outputs"]["artifacts"][keys.EXAMPLES_KEY]["artifacts"]:
        artifact.setdefault("metadata", {}).update(known)
    logging.info("ExampleGen reads span %s of %s.", facts[example_gen.SPAN_PROPERTY_NAME], parameters[keys.INPUT_BASE_KEY])
    return resolved


def range_config(given: Any) -> str | None:
    """The range of spans as TFX's driver reads it, from its JSON, a number, or `latest`; None for the newest span."""
    if given is None or str(given).strip() in ("", LATEST):
        return None
    text = str(given).strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return text
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 and value == int(value):
        return json.dumps({"static_range": {"start_span_number": int(value), "end_span_number": int(value)}})
    raise InvalidInput(f"The span {text!r} is none; give a whole number, '{LATEST}', or a RangeConfig as JSON.")


def _parameters(executor_input: Json) -> Json:
    found = executor_input.get("inputs", {}).get("parameterValues", {})
    assert isinstance(found, dict)
    return found
