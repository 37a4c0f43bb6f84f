"""Parameters of our components: JSON strings or scalars, checked when the pipeline is written.

Structures travel as JSON, since protos and dicts do not survive Kubeflow Pipelines; an
executor also takes a dict, as the local runner may hand one over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.dsl.placeholder import placeholder as ph
from tfx.orchestration import data_types

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.model_store import BasePath, ModelStore

Parameter = Any
"""A dict, its JSON string, or something that gets its value when the pipeline runs."""

KUBEFLOW_RUN_ID = "{{$.pipeline_job_uuid}}"
"""The `run_id` for pipelines compiled for Kubeflow, which puts each run's own id in its place."""


def local_run_id() -> ph.Placeholder:
    """The `run_id` for pipelines that TFX itself runs: a placeholder for each run's own id.

    A deployment step must never be answered from a cache: after a roll-back, a cached push
    of the same model would succeed and change nothing. TFX has no switch for it per
    component, but a parameter that differs in every run has the effect. Kubeflow's
    compiler does not know this placeholder: give `run_id=KUBEFLOW_RUN_ID` there.
    """
    return ph.execution_invocation().pipeline_run_id


def run_id_or_default(run_id: str | ph.Placeholder | data_types.RuntimeParameter | None) -> Any:
    """The `run_id` of a component: as given, else that of TFX's own runners."""
    return local_run_id() if run_id is None else run_id


def late(value: Any) -> bool:
    """Whether a parameter gets its value only when the pipeline runs."""
    return isinstance(value, (ph.Placeholder, data_types.RuntimeParameter))


def as_json(value: Mapping[str, Any] | str) -> str:
    """A structured parameter as the JSON string that it travels as; equal structures give equal strings."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class Serving:
    """Where a model is served: the root that a supervisor serves, and the model's name."""

    root: Path
    model: str

    @property
    def base(self) -> BasePath:
        """The model's base path. `InvalidInput` for a name that cannot be one."""
        return ModelStore(self.root).model(self.model)

    @classmethod
    def parse(cls, value: Any, name: str = "serving") -> Serving:
        """From `{"root": …, "model": …}` or its JSON. `InvalidPlan` names every fault."""
        what = f"the parameter {name}"
        try:
            data = json.loads(value) if isinstance(value, str) else value
        except ValueError as fault:
            raise InvalidPlan(what, [f"document: it is no JSON ({fault})"]) from fault
        if not isinstance(data, Mapping):
            raise InvalidPlan(what, ['document: it must be {"root": …, "model": …}'])
        faults = [f"{key}: it must be a string that is not empty" for key in ("root", "model") if not _text(data.get(key))]
        faults += [f"{key}: there is no such field" for key in sorted(set(data) - {"root", "model"})]
        if faults:
            raise InvalidPlan(what, faults)
        serving = cls(Path(data["root"]), data["model"])
        _ = serving.base
        return serving


def checked(value: Parameter | None, parse: Callable[[Any], object]) -> Any:
    """A structured parameter as it goes into the pipeline; `parse` raises for a faulty one, while it is being written."""
    if value is None or late(value):
        return value
    parse(value)
    return as_json(value)


def serving_parameter(value: Parameter, name: str = "serving") -> Any:
    """The parameter that says where a model is served, as it goes into the pipeline."""
    return checked(value, lambda document: Serving.parse(document, name))


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
