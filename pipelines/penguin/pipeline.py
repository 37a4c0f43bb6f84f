"""The pipeline: import, choose, train, validate, push, roll out, decide; and, whatever happens, end what was left running.

    python -m penguin.pipeline --image registry.example.com/tfx-rollout:1.2.0

writes `kubeflow/compiled/penguin.yaml`, ready to be uploaded.
"""

from pathlib import Path
from typing import Any

import click

from tfx_rollout.kfp.components.image import DEFAULT_IMAGE

NAME = "penguin"
MEASUREMENTS = "gs://tfx-rollout/penguins/penguins.csv"
"""Where the pipeline finds `data/penguins.csv`, unless a run names another place."""
SERVING_ROOT = "/srv/models"
CLAIM = "tfx-rollout-models"
"""The volume claim with the serving root, as `kubeflow/manifests` makes it."""
COMPILED = Path(__file__).parents[2] / "kubeflow" / "compiled" / f"{NAME}.yaml"
REQUESTS = '{"minimum": 100}'
"""A year has about 110 penguins."""


def build(image: str = DEFAULT_IMAGE, root: str = SERVING_ROOT, claim: str = CLAIM) -> Any:
    """The pipeline, for an image, the serving root, and the volume claim that is mounted there.

    The root is no parameter of the pipeline: where a volume is mounted is written into the compiled form.
    """
    from kfp import dsl, kubernetes

    from penguin.components import choose_penguins_in, train_model_in
    from tfx_rollout.kfp.components import components_for

    stage = components_for(image)
    choose_penguins, train_model = choose_penguins_in(image), train_model_in(image)

    def deployment(task: Any) -> Any:
        """A task that reads or changes what is served: it sees the root, and is never answered from a cache."""
        kubernetes.mount_pvc(task, pvc_name=claim, mount_path=root)
        task.set_caching_options(False)
        return task

    def again(task: Any) -> Any:
        """A task that may be run again after its pod was lost: it finds what it had begun."""
        return task.set_retry(num_retries=2, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="300s")

    @dsl.pipeline(name=NAME, description="Which species is this penguin? From measurements to live traffic, without TFX.")
    def penguin(
        measurements: str = MEASUREMENTS,
        model_name: str = NAME,
        years: str = "",
        islands: str = "",
        epochs: int = 40,
        min_accuracy: float = 0.9,
        limits: str = "",
        plan: str = "default",
        timeout_seconds: float = 0.0,
    ) -> None:
        place = {"root": root, "model_name": model_name, "run": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
        with dsl.ExitHandler(deployment(stage.end_unfinished(**place))):
            imported = dsl.importer(artifact_uri=measurements, artifact_class=dsl.Dataset, reimport=False)
            chosen = choose_penguins(measurements=imported.output, years=years, islands=islands)
            trained = train_model(data=chosen.outputs["data"], min_accuracy=min_accuracy, epochs=epochs)
            model = trained.outputs["model"]
            with dsl.If(trained.outputs["good"] == "yes", name="good-enough"):
                validated = stage.validate_infra(
                    model=model, examples=chosen.outputs["examples"], requests=REQUESTS, limits=limits, **place
                )
                again(deployment(validated))
                with dsl.If(validated.outputs["blessed"] == True, name="blessed"):  # noqa: E712 (an expression of kfp)
                    pushed = stage.push_model(model=model, validation=validated.outputs["report"], **place)
                    again(deployment(pushed))
                    canary = stage.run_canary(
                        version=pushed.outputs["version"], plan=plan, timeout_seconds=timeout_seconds, **place
                    )
                    again(deployment(canary))
                    checked = stage.check_blessing(
                        model=model,
                        rollout=canary.outputs["report"],
                        validation=validated.outputs["report"],
                        metrics=trained.outputs["metrics"],
                        require="accuracy>=0.9",
                        **place,
                    )
                    again(deployment(checked))

    return penguin


def compile_pipeline(file: Path = COMPILED, image: str = DEFAULT_IMAGE, root: str = SERVING_ROOT, claim: str = CLAIM) -> Path:
    """Writes the compiled pipeline, with what it asks of Kubernetes, and returns the file."""
    from kfp import compiler

    compiler.Compiler().compile(build(image, root, claim), str(file))
    return file


@click.command()
@click.option("--image", default=DEFAULT_IMAGE, show_default=True, help="The image that every task runs in.")
@click.option("--root", default=SERVING_ROOT, show_default=True, help="The folder that the supervisor serves.")
@click.option("--claim", default=CLAIM, show_default=True, help="The volume claim that is mounted there.")
@click.option("--output", default=COMPILED, type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
def main(image: str, root: str, claim: str, output: Path) -> None:
    """Compile the pipeline for open-source Kubeflow Pipelines."""
    click.echo(compile_pipeline(output, image, root, claim))


if __name__ == "__main__":
    main()
