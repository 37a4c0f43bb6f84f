"""The TFX pipeline: from a span of trips to a model that serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfx.components import CsvExampleGen, Evaluator, ExampleValidator, SchemaGen, StatisticsGen, Trainer, Transform
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, range_config_pb2, trainer_pb2, transform_pb2

import tfx_rollout as rollout
from taxi.evaluation import eval_config
from tfx_rollout.tfx.parameters import late

NAME = "taxi"
TRAIN_STEPS = 240

IN_THIS_PROCESS = (
    # Named in full: left to choose, Beam tries to download and start a runner of another kind first.
    "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
    # Not used by this runner. Without it TFX packs itself up for remote workers, anew in every component.
    "--sdk_container_image=none",
)
"""Beam's arguments for small data on one machine: one worker, in the process of the pipeline."""


def build_pipeline(
    *,
    data: str | Path | RuntimeParameter,
    span: int | RuntimeParameter,
    pipeline_root: str | Path,
    serving: Mapping[str, str] | RuntimeParameter | None = None,
    plan: str | RuntimeParameter = "default",
    train_args: trainer_pb2.TrainArgs | RuntimeParameter | None = None,
    trainer_options: Mapping[str, Any] | RuntimeParameter | None = None,
    metadata: str | Path | None = None,
    beam_args: Sequence[str] = IN_THIS_PROCESS,
    on_kubeflow: bool = False,
) -> Pipeline:
    """The pipeline for one span of the folder `data` (see `taxi.spans`).

    `serving` says where the model goes live, as `{"root": …, "model": …}`; without it the
    pipeline ends with the Evaluator. `plan` is the rollout's plan. `trainer_options` are
    the Trainer's `custom_config` (see `taxi.trainer`). `metadata` is the sqlite file,
    default in `pipeline_root`.

    With `on_kubeflow` the pipeline is one to compile: it has no metadata file, its
    deployment steps know Kubeflow's run, and every output has an artifact, so that the
    Evaluator compares the first model with itself. Parameters of the run are possible
    there alone; that of `span` is a text, a number or `latest`.
    """
    example_gen = CsvExampleGen(
        input_base=data if late(data) else str(data),
        input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="trips", pattern="span-{SPAN}/*.csv")]),
        range_config=span if late(span) else _static_range(span),
    )
    examples = example_gen.outputs["examples"]
    statistics_gen = StatisticsGen(examples=examples)
    # Every feature may be missing in a trip, also one that no trip of this span lacks.
    schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False)
    example_validator = ExampleValidator(statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"])
    transform = Transform(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="taxi.preprocessing.preprocessing_fn",
        # Both splits, so that every company of the span is in the vocabulary.
        splits_config=transform_pb2.SplitsConfig(analyze=["train", "eval"], transform=["train", "eval"]),
        disable_statistics=True,
        disable_analyzer_cache=True,
    )
    trainer = Trainer(
        run_fn="taxi.trainer.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        train_args=train_args or trainer_pb2.TrainArgs(num_steps=TRAIN_STEPS),
        eval_args=trainer_pb2.EvalArgs(),
        custom_config=trainer_options if late(trainer_options) else dict(trainer_options or {}),
    )
    nodes: list[BaseNode] = [example_gen, statistics_gen, schema_gen, example_validator, transform, trainer]
    model = trainer.outputs["model"]
    if serving is None:
        nodes.append(Evaluator(examples=examples, model=model, eval_config=eval_config()))
    else:
        run_id = rollout.KUBEFLOW_RUN_ID if on_kubeflow else None
        live = rollout.LiveModel(serving=serving, fallback=model if on_kubeflow else None, run_id=run_id)
        # What is live is asked for when it is needed, not when the run begins.
        live.add_upstream_node(trainer)
        evaluator = Evaluator(examples=examples, model=model, baseline_model=live.outputs["model"], eval_config=eval_config())
        stage = rollout.deployment_stage(
            model=model,
            examples=examples,
            model_blessing=evaluator.outputs["blessing"],
            baseline=live.outputs["model"],
            serving=serving,
            plan=plan,
            requests={"split": "eval"},
            run_id=run_id,
        )
        nodes += [live, evaluator, *stage]
    return Pipeline(
        pipeline_name=NAME,
        pipeline_root=str(pipeline_root),
        components=nodes,
        enable_cache=False,
        metadata_connection_config=None if on_kubeflow else _metadata(metadata or Path(pipeline_root) / "metadata.sqlite"),
        beam_pipeline_args=list(beam_args),
    )


def _static_range(span: int) -> range_config_pb2.RangeConfig:
    return range_config_pb2.RangeConfig(static_range=range_config_pb2.StaticRange(start_span_number=span, end_span_number=span))


def _metadata(path: str | Path) -> Any:
    return sqlite_metadata_connection_config(str(path))
