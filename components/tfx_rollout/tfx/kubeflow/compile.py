"""A TFX pipeline as a file that open-source KFP v2 accepts and can run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx.components import InfraValidator as StockInfraValidator
from tfx.orchestration import data_types
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner as kubeflow
from tfx.orchestration.pipeline import Pipeline

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir import ENTRYPOINT, STEPS, Documents, KubeflowSettings, finish, refuse, save
from tfx_rollout.kfp.ir.finishing import Step

Scalar = str | int | float | bool


def compile_for_kubeflow(pipeline: Pipeline, settings: KubeflowSettings, path: Path | str, steps: Sequence[Step] = STEPS) -> Path:
    """Compiles, finishes, checks and writes; the file ends in `.yaml`. Nothing is written where something is wrong.

    `InvalidPlan` names at once everything that open-source KFP would refuse or drop, such
    as a Resolver. What TFX's compiler itself refuses comes as `InvalidPlan` too.
    """
    documents = compiled_documents(pipeline, settings, steps)
    refuse(documents)
    return save(documents, path)


def compiled_documents(pipeline: Pipeline, settings: KubeflowSettings, steps: Sequence[Step] = STEPS) -> Documents:
    """The documents as they would be written, before they are checked."""
    name = pipeline.pipeline_info.pipeline_name
    _refuse_stock_validators(pipeline)
    defaults = parameter_defaults(pipeline)
    given = settings.model_copy(update={"parameters": {**defaults, **settings.parameters}})
    return finish(Documents(_pipeline_spec(pipeline, settings.image), name=name), given, steps)


def parameter_defaults(pipeline: Pipeline) -> dict[str, Scalar]:
    """The defaults of the RuntimeParameters in the components, which TFX's compiler forgets."""
    defaults: dict[str, Scalar] = {}
    faults = []
    for component in pipeline.components:
        for value in component.exec_properties.values():
            if not isinstance(value, data_types.RuntimeParameter) or value.default is None:
                continue
            if defaults.setdefault(value.name, value.default) != value.default:
                faults.append(f"{value.name}: it has the default {value.default!r} in {component.id}, and another one before it")
    if faults:
        raise InvalidPlan(f"the pipeline {pipeline.pipeline_info.pipeline_name}", faults)
    return defaults


def _refuse_stock_validators(pipeline: Pipeline) -> None:
    faults = [
        f"{component.id}: it is TFX's own InfraValidator, which no Kubeflow pipeline may have; use tfx_rollout.InfraValidator"
        for component in pipeline.components
        if isinstance(component, StockInfraValidator)
    ]
    if faults:
        raise InvalidPlan(f"the pipeline {pipeline.pipeline_info.pipeline_name}", faults)


def _pipeline_spec(pipeline: Pipeline, image: str) -> dict[str, Any]:
    config = kubeflow.KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=list(ENTRYPOINT), use_pipeline_spec_2_1=True
    )
    try:
        job = kubeflow.KubeflowV2DagRunner(config=config).run(pipeline, write_out=False)
    except (NotImplementedError, ValueError, TypeError, KeyError) as fault:
        said = str(fault.args[0] if fault.args else type(fault).__name__).rstrip(".")
        raise InvalidPlan(
            f"the pipeline {pipeline.pipeline_info.pipeline_name}", [f"TFX's compiler refuses it: {said}"]
        ) from fault
    spec = job["pipelineSpec"]
    assert isinstance(spec, dict)
    return spec
