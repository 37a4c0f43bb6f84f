"""LiveModel: the version that is live now, as the Evaluator's baseline."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from absl import logging
from tfx import types
from tfx.components.evaluator import constants as evaluator
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils, path_constants

from tfx_rollout.errors import InvalidInput
from tfx_rollout.model_store import content_digest
from tfx_rollout.steps import live_version
from tfx_rollout.tfx.artifact_facts import SAFE_INTEGER, Artifacts, maybe, only, set_facts, write_mark
from tfx_rollout.tfx.model_files import serving_model
from tfx_rollout.tfx.parameters import Parameter, Serving, run_id_or_default, serving_parameter


class LiveModelSpec(types.ComponentSpec):
    """What goes in and comes out."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "serving": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {"fallback": ChannelParameter(type=standard_artifacts.Model, optional=True)}
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Executor(base_executor.BaseExecutor):
    """Copies the live version out of the base path, so that the artifact stays what it was."""

    def Do(self, input_dict: Artifacts, output_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]) -> None:
        base = Serving.parse(exec_properties["serving"]).base
        found = live_version(base)
        if found.path is not None:
            self._write(output_dict, found.path, live=1, version=str(found.version), generation=found.generation)
            logging.info("LiveModel: version %d of %s is live.", found.version, base.name)
            return
        logging.info("LiveModel: nothing of %s is live.", base.name)
        fallback = maybe(input_dict, "fallback")
        if fallback is not None:
            with tempfile.TemporaryDirectory(prefix="tfx-rollout-") as folder:
                self._write(output_dict, serving_model(fallback, Path(folder)), live=0, version="", generation=found.generation)
            return
        if self._context is None or self._context.pipeline_run_id is None:
            raise InvalidInput(
                f"Nothing of model {base.name!r} is live yet, and this runner needs an artifact in every output; "
                "connect fallback=trainer.outputs['model'] to LiveModel."
            )
        # No artifact at all: this is how the Evaluator knows that there is no baseline.
        output_dict["model"].clear()
        output_dict["blessing"].clear()

    def _write(self, output_dict: Artifacts, source: Path, *, live: int, version: str, generation: int) -> None:
        model, blessing = only(output_dict, "model"), only(output_dict, "blessing")
        folder = os.path.join(model.uri, path_constants.SERVING_MODEL_DIR)  # noqa: PTH118
        io_utils.copy_dir(str(source), folder)
        digest = content_digest(source)
        set_facts(model, live=live, pushed_version=version, generation=generation, digest=digest)
        set_facts(
            blessing,
            **{
                evaluator.ARTIFACT_PROPERTY_BLESSED_KEY: live,
                evaluator.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY: model.uri,
                "digest": digest,
                "reason": f"version {version} is live" if live else "nothing is live",
            },
        )
        if 0 < model.id < SAFE_INTEGER:
            set_facts(blessing, **{evaluator.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY: model.id})
        write_mark(blessing, evaluator.BLESSED_FILE_NAME if live else evaluator.NOT_BLESSED_FILE_NAME)


class LiveModel(base_component.BaseComponent):
    """The version that the label `stable` names, as `model` and `blessing`.

    Use it as the Evaluator's `baseline_model` in the place of a Resolver with
    `LatestBlessedModelStrategy`: what was blessed last need not be what is live (a canary
    may have been rolled back since), and open-source Kubeflow runs no resolvers.

    When nothing is live yet:

    - Without `fallback`, and only under TFX's own runners, both outputs are empty. The
      Evaluator then has no baseline: it holds the candidate to the value thresholds and
      leaves out those of change, as it does at the first run of any pipeline.
    - With `fallback=trainer.outputs['model']` the candidate itself is given as `model`,
      with the custom property `live` 0 and a blessing of 0. Thresholds of change then see
      a difference of exactly 0: those that only forbid a loss pass, those that demand a gain
      do not. Kubeflow Pipelines needs this, since there every output must have an artifact.
    """

    SPEC_CLASS = LiveModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, serving: Parameter, fallback: types.BaseChannel | None = None, run_id: Any = None) -> None:
        """`serving` is `{"root": …, "model": …}`. For `run_id` see `parameters.local_run_id`."""
        super().__init__(
            spec=LiveModelSpec(
                serving=serving_parameter(serving),
                fallback=fallback,
                run_id=run_id_or_default(run_id),
                model=types.Channel(type=standard_artifacts.Model),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
