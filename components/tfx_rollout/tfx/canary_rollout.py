"""CanaryRollout: a pushed version under live traffic, in stages, until it has passed or was undone."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from tfx_rollout.steps import read_plan
from tfx_rollout.steps.canary import Outcome, page_of, run_canary
from tfx_rollout.tfx.artifact_facts import Artifacts, flag, only, set_facts, text, write_json_file, write_text_file
from tfx_rollout.tfx.artifacts import RolloutReport
from tfx_rollout.tfx.parameters import Parameter, Serving, late, run_id_or_default, serving_parameter


class CanaryRolloutSpec(types.ComponentSpec):
    """What goes in and comes out."""

    PARAMETERS: ClassVar[dict[str, ExecutionParameter]] = {
        "serving": ExecutionParameter(type=str),
        "plan": ExecutionParameter(type=str),
        "timeout_seconds": ExecutionParameter(type=float, optional=True),
        "run_id": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}
    OUTPUTS: ClassVar[dict[str, ChannelParameter]] = {"report": ChannelParameter(type=RolloutReport)}


class Executor(base_executor.BaseExecutor):
    """Submits, follows and reports. Killed on the way it changes nothing: the rollout is the supervisor's."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        serving = Serving.parse(exec_properties["serving"])
        pushed = only(input_dict, "pushed_model")
        run_id = exec_properties.get("run_id")
        if flag(pushed, "pushed"):
            found = run_canary(
                serving.base,
                int(text(pushed, "pushed_version")),
                read_plan(exec_properties["plan"]),
                by="CanaryRollout",
                why=f"pipeline run {run_id or 'unknown'}",
                once=bool(run_id),
                timeout_s=exec_properties.get("timeout_seconds"),
                say=lambda line: logging.info("CanaryRollout: %s", line),
            )
        else:
            why = text(pushed, "reason") or "the pusher gave no reason"
            found = Outcome("not_pushed", False, f"the model was not pushed: {why}", digest=text(pushed, "digest"))
        report = only(output_dict, "report")
        set_facts(
            report,
            outcome=found.outcome,
            passed=int(found.passed),
            reason=found.reason,
            rollout=found.rollout,
            generation=found.generation,
            digest=found.digest,
            pushed_version="" if found.version is None else str(found.version),
        )
        write_json_file(report, "report.json", found.to_json())
        if found.rollout:
            write_text_file(report, "report.html", page_of(serving.base, found.rollout))
        logging.info("CanaryRollout: %s: %s", found.outcome, found.reason)


class CanaryRollout(base_component.BaseComponent):
    """Gives a pushed version a growing share of live traffic, by a plan, under a test that undoes a worse one.

    The supervisor (`tfx-rollout serve ROOT`) runs the rollout; this component submits it
    and awaits its end: `holding` (passed, and waiting for BlessingCheck's word), `promoted`,
    `rolled_back`. A model's first version goes live without a canary. A version that is
    live already is left alone (`already_live`), one that was not pushed gives `not_pushed`.

    The output `report` has `outcome`, `passed` (0 or 1), `reason`, `rollout`,
    `generation` and `digest` as custom properties, `report.json`, and where there was a rollout
    `report.html`: a page with charts of how it stood when the component ended.
    """

    SPEC_CLASS = CanaryRolloutSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        pushed_model: types.BaseChannel,
        serving: Parameter,
        plan: Parameter = "default",
        timeout_seconds: float | None = None,
        run_id: Any = None,
    ) -> None:
        """`plan` is a plan's name, a file, or a document; it is read now and travels whole.

        After `timeout_seconds` (default: all stages at their longest, and an hour) the run
        fails, while the rollout goes on. Raises `InvalidPlan` for a faulty document. For
        `run_id` see `parameters.local_run_id`.
        """
        super().__init__(
            spec=CanaryRolloutSpec(
                pushed_model=pushed_model,
                serving=serving_parameter(serving),
                plan=plan if late(plan) else json.dumps(read_plan(plan).to_json(), sort_keys=True),
                timeout_seconds=timeout_seconds,
                run_id=run_id_or_default(run_id),
                report=types.Channel(type=RolloutReport),
            )
        )
