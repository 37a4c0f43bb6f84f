"""BlessingCheck: the last word on a model, from all evidence; it promotes the canary or rolls it back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from absl import logging
from tfx import types
from tfx.components.evaluator import constants as evaluator
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from tfx_rollout.blessing import Kind, Policy, Subject, load_policy
from tfx_rollout.model_store import content_digest
from tfx_rollout.steps import LastWord, Outcome, say_last_word
from tfx_rollout.tfx.artifact_facts import SAFE_INTEGER, Artifacts, only, set_facts, write_json_file, write_mark
from tfx_rollout.tfx.artifacts import RolloutReport
from tfx_rollout.tfx.evidence import gather, rollout_report
from tfx_rollout.tfx.model_files import serving_model
from tfx_rollout.tfx.parameters import Parameter, Serving, as_json, checked, run_id_or_default, serving_parameter


class BlessingCheckSpec(types.ComponentSpec):
    """What goes in and comes out."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "serving": ExecutionParameter(type=str),
        "policy": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "report": ChannelParameter(type=RolloutReport),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel, optional=True),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {"blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)}


class Executor(base_executor.BaseExecutor):
    """Decides, has the rollout promoted or rolled back, and blesses what is live then."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        serving = Serving.parse(exec_properties["serving"])
        model = only(input_dict, "model")
        with tempfile.TemporaryDirectory(prefix="tfx-rollout-") as folder:
            subject = Subject(content_digest(serving_model(model, Path(folder))), model.uri)
        reported = rollout_report(only(input_dict, "report"))
        word = say_last_word(
            serving.base,
            subject,
            gather(input_dict),
            load_policy(exec_properties["policy"]),
            Outcome(
                outcome=reported.facts["outcome"],
                passed=bool(reported.passed),
                reason=reported.reason,
                digest=reported.digest,
                rollout=reported.facts["rollout"],
                generation=reported.facts["generation"],
            ),
            by="BlessingCheck",
            say=lambda line: logging.info("BlessingCheck: %s", line),
        )
        self._write(only(output_dict, "blessing"), model, word)

    def _write(self, blessing: types.Artifact, model: types.Artifact, word: LastWord) -> None:
        set_facts(
            blessing,
            **{
                evaluator.ARTIFACT_PROPERTY_BLESSED_KEY: int(word.blessed),
                evaluator.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY: model.uri,
                "digest": word.decision.subject.digest,
                "outcome": word.found.outcome,
                "reason": word.reason,
            },
        )
        if 0 < model.id < SAFE_INTEGER:
            set_facts(blessing, **{evaluator.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY: model.id})
        write_json_file(blessing, "decision.json", word.to_json())
        write_mark(blessing, evaluator.BLESSED_FILE_NAME if word.blessed else evaluator.NOT_BLESSED_FILE_NAME)
        logging.info("BlessingCheck: %s: %s", "blessed" if word.blessed else "not blessed", word.reason)


class BlessingCheck(base_component.BaseComponent):
    """Promotes a model only if every required piece of evidence is there, is about exactly this model, and says yes.

    A rollout that holds is promoted or rolled back by one order that names rollout,
    generation and digest. The output `blessing` is a `ModelBlessing` for this model with
    `blessed` (0 or 1), `current_model`, `current_model_id`, `digest`, `outcome` and `reason`
    as custom properties, and `decision.json`.

    For the next run's baseline use LiveModel: `LatestBlessedModelStrategy` would find the
    Evaluator's 1 for a model that was refused here.
    """

    SPEC_CLASS = BlessingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        report: types.BaseChannel,
        serving: Parameter,
        pushed_model: types.BaseChannel | None = None,
        model_blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        policy: Parameter | None = None,
        run_id: Any = None,
    ) -> None:
        """`policy` says which evidence is required; by default all that is connected.

        Raises `InvalidPlan` for a faulty document. For `run_id` see `parameters.local_run_id`.
        """
        connected = {
            Kind.MODEL_BLESSING: model_blessing,
            Kind.INFRA_BLESSING: infra_blessing,
            Kind.PUSHED_MODEL: pushed_model,
            Kind.ROLLOUT: report,
        }
        default = Policy.of(kind for kind, channel in connected.items() if channel is not None)
        super().__init__(
            spec=BlessingCheckSpec(
                model=model,
                report=report,
                pushed_model=pushed_model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                serving=serving_parameter(serving),
                policy=as_json(default.to_json()) if policy is None else checked(policy, load_policy),
                run_id=run_id_or_default(run_id),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
