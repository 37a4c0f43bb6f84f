"""`end_unfinished`: what a failed pipeline left running goes back to what was before. For `dsl.ExitHandler`."""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import PipelineTaskFinalStatus

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Number, Text


def end_unfinished_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def end_unfinished(
        root: str,
        model_name: str,
        run: str,
        status: PipelineTaskFinalStatus,
        ended: Number,
        reason: Text,
    ) -> dsl.ContainerSpec:
        """Aborts the rollouts that this run began and left unfinished, and awaits that stable serves alone again.

        After a success, and where nothing is unfinished, it changes nothing. Rollouts of others are left alone.

        Args:
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER, as run_canary got it.
            status: How the tasks before have ended; Kubeflow Pipelines fills it in.
            ended: How many rollouts were unfinished.
            reason: What was done, in one line.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "rollout", "end"],
            args=[
                "--root", root,
                "--model", model_name,
                "--begun-by", run,
                "--why", "the pipeline that began it has failed",
                "--status", status,
                "--output-file", f"ended={ended}",
                "--output-file", f"reason={reason}",
            ],
        )  # fmt: skip

    return end_unfinished


end_unfinished = end_unfinished_in(image())
