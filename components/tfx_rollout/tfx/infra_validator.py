"""InfraValidator: the candidate in a model server of its own, asked and compared, before anything is pushed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils

from tfx_rollout.steps import Validated, validate_model
from tfx_rollout.tfx.artifact_facts import Artifacts, flag, maybe, only, set_facts, write_json_file, write_mark
from tfx_rollout.tfx.model_files import example_files, serving_model
from tfx_rollout.tfx.parameters import Parameter, Serving, checked, run_id_or_default, serving_parameter
from tfx_rollout.validation import load_limits, load_requests

BLESSED_FILE, NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"
"""The files of TFX's own InfraValidator."""


class InfraValidatorSpec(types.ComponentSpec):
    """What goes in and comes out."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "serving": ExecutionParameter(type=str),
        "requests": ExecutionParameter(type=str, optional=True),
        "limits": ExecutionParameter(type=str, optional=True),
        "run_id": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "baseline": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class Executor(base_executor.BaseExecutor):
    """Validates and writes the blessing. Raises where no server could be started: that says nothing of the model."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        serving = Serving.parse(exec_properties["serving"])
        settings = load_requests(exec_properties.get("requests"))
        examples = maybe(input_dict, "examples")
        with tempfile.TemporaryDirectory(prefix="tfx-rollout-") as folder:
            work = Path(folder)
            candidate = serving_model(only(input_dict, "model"), work)
            validated = validate_model(
                candidate,
                serving.model,
                examples=None if examples is None else example_files(examples, settings.split),
                baseline=self._baseline(maybe(input_dict, "baseline"), work),
                settings=settings,
                limits=load_limits(exec_properties.get("limits")),
                work=work / "validation",
            )
            blessing = only(output_dict, "blessing")
            for log in sorted((work / "validation").glob("*.log")):
                io_utils.copy_file(str(log), f"{blessing.uri}/{log.name}", overwrite=True)
            self._write(blessing, validated)

    def _baseline(self, baseline: types.Artifact | None, work: Path) -> Path | None:
        """The live version; None where nothing is live and the baseline is but the candidate itself."""
        if baseline is None or flag(baseline, "live") is False:
            return None
        return serving_model(baseline, work)

    def _write(self, blessing: types.Artifact, found: Validated) -> None:
        set_facts(blessing, blessed=int(found.blessed), has_model=0, reason=found.reason, digest=found.digest)
        write_json_file(blessing, "report.json", found.to_json())
        write_mark(blessing, BLESSED_FILE if found.blessed else NOT_BLESSED_FILE)
        logging.info("InfraValidator: the model is %s: %s", "blessed" if found.blessed else "not blessed", found.reason)


class InfraValidator(base_component.BaseComponent):
    """Loads a model into a server process of its own, asks it through its real ports, and compares.

    At least `requests.minimum` (200) distinct requests made of `examples` go over gRPC and
    REST; the answers must be those that the model gives in process, finite, and of the
    signature's dtypes and shapes. With `baseline` (LiveModel's output) no client of the live
    version may be broken by the change. Without `examples` the model is only loaded.

    The output `blessing` has `blessed` (0 or 1), `reason` and `digest` as custom properties,
    and `report.json` with all figures; TFX's own Pusher takes it too. A bad model is "not
    blessed", while a server that cannot be started at all fails the run.
    """

    SPEC_CLASS = InfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        serving: Parameter,
        examples: types.BaseChannel | None = None,
        baseline: types.BaseChannel | None = None,
        requests: Parameter | None = None,
        limits: Parameter | None = None,
        run_id: Any = None,
    ) -> None:
        """`serving` is `{"root": …, "model": …}`; `requests` and `limits` are the documents of `tfx_rollout.validation`.

        Raises `InvalidPlan` for a faulty document. For `run_id` see `parameters.local_run_id`.
        """
        super().__init__(
            spec=InfraValidatorSpec(
                model=model,
                examples=examples,
                baseline=baseline,
                serving=serving_parameter(serving),
                requests=checked(requests, load_requests),
                limits=checked(limits, load_limits),
                run_id=run_id_or_default(run_id),
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
