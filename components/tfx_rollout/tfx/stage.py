"""The whole deployment stage, wired: validate, push, roll out, decide."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx import types

from tfx_rollout.tfx.blessing_check import BlessingCheck
from tfx_rollout.tfx.canary_rollout import CanaryRollout
from tfx_rollout.tfx.infra_validator import InfraValidator
from tfx_rollout.tfx.parameters import Parameter
from tfx_rollout.tfx.versioned_pusher import VersionedPusher


class DeploymentStage(NamedTuple):
    """The four components, in the order in which they run; unpack it into a pipeline's `components`."""

    infra_validator: InfraValidator
    pusher: VersionedPusher
    canary: CanaryRollout
    check: BlessingCheck


def deployment_stage(
    *,
    model: types.BaseChannel,
    serving: Parameter,
    examples: types.BaseChannel | None = None,
    model_blessing: types.BaseChannel | None = None,
    baseline: types.BaseChannel | None = None,
    plan: Parameter = "default",
    policy: Parameter | None = None,
    requests: Parameter | None = None,
    limits: Parameter | None = None,
    run_id: Any = None,
) -> DeploymentStage:
    """From a trained model to live traffic.

        live = rollout.LiveModel(serving=serving)
        evaluator = Evaluator(..., baseline_model=live.outputs["model"])
        stage = rollout.deployment_stage(
            model=trainer.outputs["model"],
            examples=example_gen.outputs["examples"],
            model_blessing=evaluator.outputs["blessing"],
            baseline=live.outputs["model"],
            serving=serving,
        )
        pipeline = Pipeline(components=[..., live, evaluator, *stage])

    `serving` is `{"root": …, "model": …}`. `plan` is for CanaryRollout, `policy` for
    BlessingCheck, `requests` and `limits` are for InfraValidator. Give
    `run_id=KUBEFLOW_RUN_ID` where the pipeline is compiled for Kubeflow.
    """
    validator = InfraValidator(
        model=model, examples=examples, baseline=baseline, serving=serving, requests=requests, limits=limits, run_id=run_id
    )
    pusher = VersionedPusher(
        model=model,
        model_blessing=model_blessing,
        infra_blessing=validator.outputs["blessing"],
        destination=serving,
        run_id=run_id,
    )
    canary = CanaryRollout(pushed_model=pusher.outputs["pushed_model"], serving=serving, plan=plan, run_id=run_id)
    check = BlessingCheck(
        model=model,
        report=canary.outputs["report"],
        pushed_model=pusher.outputs["pushed_model"],
        model_blessing=model_blessing,
        infra_blessing=validator.outputs["blessing"],
        serving=serving,
        policy=policy,
        run_id=run_id,
    )
    return DeploymentStage(validator, pusher, canary, check)
