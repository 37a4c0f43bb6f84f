"""Compiles the taxi pipeline for an open-source Kubeflow cluster.

    python kubeflow/compile_pipeline.py --image REGISTRY/tfx-rollout:TAG --pipeline-root gs://BUCKET/taxi

writes `kubeflow/compiled/taxi-tfx<line>.yaml`, ready to be uploaded. What a run may want to
choose is a parameter of the pipeline: the data, the span, where the model goes live, the
plan, how long is trained.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_rollout.errors import InvalidInput, RolloutError
from tfx_rollout.kfp.ir import KubeflowSettings
from tfx_rollout.rollout import load_plan

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

HERE = Path(__file__).resolve().parent
PIPELINES = HERE.parent / "pipelines"

IMAGE = "tfx-rollout-tfx:latest"
PIPELINE_ROOT = "gs://tfx-rollout/taxi"
DATA = "gs://tfx-rollout/data"
SERVING_ROOT = "/srv/models"
CLAIM = "tfx-rollout-models"
"""The volume claim with the serving root, as `kubeflow/manifests` makes it."""


def tfx_line() -> str:
    """The TFX line of this Python, as file names tell it: `1.16` or `1.21`."""
    return ".".join(version("tfx").split(".")[:2])


def compiled_file() -> Path:
    """Where the compiled pipeline of this TFX line lies."""
    return HERE / "compiled" / f"taxi-tfx{tfx_line()}.yaml"


def options() -> argparse.ArgumentParser:
    """The command line; with its defaults the committed files are made."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--image", default=IMAGE, help="the image that every task runs in (default: %(default)s)")
    parser.add_argument("--pipeline-root", default=PIPELINE_ROOT, help="the bucket for artifacts (default: %(default)s)")
    parser.add_argument("--data", default=DATA, help="the folder that `python -m taxi.spans` wrote (default: %(default)s)")
    parser.add_argument("--span", default="latest", help="a number, or 'latest' (default: %(default)s)")
    parser.add_argument("--serving-root", default=SERVING_ROOT, help="what the supervisor serves (default: %(default)s)")
    parser.add_argument("--model", default="taxi", help="the model's name under the serving root (default: %(default)s)")
    parser.add_argument("--plan", default="default", help="the rollout's plan: a name or a file (default: %(default)s)")
    parser.add_argument("--train-steps", type=int, help="steps of training (default: the pipeline's)")
    parser.add_argument("--serving-claim", default=CLAIM, help="the volume claim with the serving root (default: %(default)s)")
    parser.add_argument(
        "--mount", action="append", default=[], metavar="CLAIM:PATH", help="another volume claim, and where all tasks see it"
    )
    parser.add_argument(
        "--secret", action="append", default=[], metavar="NAME:KEY=VARIABLE", help="a key of a Secret as environment variable"
    )
    parser.add_argument("--retries", type=int, default=2, help="how often a failed task is tried again (default: %(default)s)")
    parser.add_argument("--cpu", type=float, default=2.0, help="most cores of a task (default: %(default)s)")
    parser.add_argument("--memory-gb", type=float, default=6.0, help="most memory of a task (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="the file, ending in .yaml (default: kubeflow/compiled/taxi-tfx<line>.yaml)")
    return parser


def settings_from(given: argparse.Namespace) -> KubeflowSettings:
    """The settings that the options say. `InvalidPlan` names every fault."""
    serving = {"claim": given.serving_claim, "path": given.serving_root, "tasks": "deployment"}
    others = [_pair(mount, "--mount", ":", ("claim", "path")) for mount in given.mount]
    return KubeflowSettings.read(
        {
            "image": given.image,
            "pipeline_root": given.pipeline_root,
            "retries": {"most": given.retries},
            "resources": {"cpu": given.cpu, "memory_gb": given.memory_gb},
            "mounts": [serving, *others],
            "secrets": [_secret(secret) for secret in given.secret],
        },
        what="the command's options",
    )


def plan_text(plan: str) -> str:
    """A plan as it travels: a known name as it is, a file whole. `InvalidPlan` and `NotFound` say what is wrong with it."""
    loaded = load_plan(plan)
    return json.dumps(loaded.to_json(), sort_keys=True) if Path(plan).is_file() else plan


def taxi_pipeline(given: argparse.Namespace) -> Pipeline:
    """The pipeline to compile; importing it imports TFX."""
    sys.path.insert(0, str(PIPELINES))
    from tfx.orchestration.data_types import RuntimeParameter

    from taxi.pipeline import TRAIN_STEPS, build_pipeline

    def parameter(name: str, default: str) -> Any:
        return RuntimeParameter(name=name, ptype=str, default=default)

    return build_pipeline(
        data=parameter("data", given.data),
        span=parameter("span", given.span),
        pipeline_root=given.pipeline_root,
        serving=parameter("serving", json.dumps({"root": given.serving_root, "model": given.model})),
        plan=parameter("plan", plan_text(given.plan)),
        train_args=parameter("train_args", json.dumps({"num_steps": given.train_steps or TRAIN_STEPS})),
        trainer_options=parameter("trainer_options", "{}"),
        on_kubeflow=True,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Compiles and says where; the exit code."""
    given = options().parse_args(argv)
    try:
        settings = settings_from(given)
        plan_text(given.plan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline = taxi_pipeline(given)
            from tfx_rollout.tfx.kubeflow.compile import compile_for_kubeflow

            print(compile_for_kubeflow(pipeline, settings, given.output or compiled_file()))
    except RolloutError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    return 0


def _pair(text: str, option: str, mark: str, names: tuple[str, str]) -> dict[str, str]:
    first, found, second = text.partition(mark)
    if not found or not first or not second:
        raise InvalidInput(f"{option} {text!r} must be {mark.join(name.upper() for name in names)}.")
    return dict(zip(names, (first, second), strict=True))


def _secret(text: str) -> dict[str, Any]:
    named = _pair(text, "--secret", ":", ("name", "key=variable"))
    key = _pair(named["key=variable"], "--secret", "=", ("key", "variable"))
    return {"secret": named["name"], "keys": {key["key"]: key["variable"]}}


if __name__ == "__main__":
    sys.exit(main())
