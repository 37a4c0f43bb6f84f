"""VersionedPusher: a blessed model becomes an immutable version of the base path; no traffic moves."""

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

from tfx_rollout.steps import push
from tfx_rollout.tfx.artifact_facts import Artifacts, only, set_facts
from tfx_rollout.tfx.evidence import gather
from tfx_rollout.tfx.model_files import serving_model
from tfx_rollout.tfx.parameters import Parameter, Serving, run_id_or_default, serving_parameter


class VersionedPusherSpec(types.ComponentSpec):
    """What goes in and comes out."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "destination": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Executor(base_executor.BaseExecutor):
    """Publishes where every connected blessing is a yes about this very model; else says why not and succeeds."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        destination = Serving.parse(exec_properties["destination"], "destination")
        artifact = only(input_dict, "model")
        pushed = only(output_dict, "pushed_model")
        with tempfile.TemporaryDirectory(prefix="tfx-rollout-") as folder:
            model = serving_model(artifact, Path(folder))
            run = str(exec_properties.get("run_id") or "")
            provenance = {"run": run, "model": artifact.uri, "by": "VersionedPusher"}
            result = push(destination.base, model, gather(input_dict), uri=artifact.uri, provenance=provenance)
            published = result.published
            if published is None:
                set_facts(pushed, pushed=0, reason=result.reason, digest=result.digest)
                logging.info("VersionedPusher: not pushed, since %s.", result.reason)
                return
            # As TFX's own Pusher does, for components that read the model from the artifact.
            io_utils.copy_dir(str(model), pushed.uri)
        set_facts(
            pushed,
            pushed=1,
            pushed_destination=str(published.path),
            pushed_version=str(published.version),
            digest=published.digest,
            reason=result.reason,
        )
        logging.info("VersionedPusher: %s is version %d (%s).", published.path, published.version, published.digest)


class VersionedPusher(base_component.BaseComponent):
    """Makes a model the next version of its base path, atomically; the same content is the same version again.

    A push never moves traffic. The output has `pushed` (0 or 1), `pushed_destination`
    and `pushed_version` as TFX's own Pusher sets them, and `digest` and `reason`. A model
    that a connected blessing refuses, or whose blessing is about another model, is not
    pushed, and the run succeeds.
    """

    SPEC_CLASS = VersionedPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        destination: Parameter,
        model_blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        run_id: Any = None,
    ) -> None:
        """`destination` is `{"root": …, "model": …}`. For `run_id` see `parameters.local_run_id`."""
        super().__init__(
            spec=VersionedPusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                destination=serving_parameter(destination, "destination"),
                run_id=run_id_or_default(run_id),
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
