"""`validate_infra`: would a server answer with this model, and rightly?"""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import HTML, Artifact, Input, Model, Output

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Flag, Text


def validate_infra_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def validate_infra(
        model: Input[Model],
        root: str,
        model_name: str,
        run: str,
        blessed: Flag,
        reason: Text,
        digest: Text,
        report: Output[Artifact],
        page: Output[HTML],
        examples: Input[Artifact] | None = None,
        requests: str = "",
        limits: str = "",
        baseline: str = "live",
    ) -> dsl.ContainerSpec:
        """Loads a SavedModel into a server of its own, asks it over gRPC and REST, and compares.

        A bad model is a value, blessed=False; a server that could not be started at all fails the task.

        Args:
            model: The SavedModel, as model.export() writes it.
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER: it differs in each run, so that no answer is an old one from a cache.
            examples: TFRecords of tf.Examples, a file or a folder. Without them the model is only loaded.
            requests: JSON document of which requests to make; empty for the defaults.
            limits: JSON document of what to keep to; empty for the defaults.
            baseline: Whose clients must not be broken: live, none, or the folder of a SavedModel.
            blessed: Whether the model may be pushed.
            reason: What speaks for it or against it, in one line.
            digest: The digest of the model's content.
            report: All checks and figures, as JSON.
            page: The same as a page.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "validate"],
            args=[
                "--root", root,
                "--model", model_name,
                "--requests", requests,
                "--limits", limits,
                "--baseline", baseline,
                "--executor-input", "{{$}}",
                "--report", report.path,
                "--html", page.path,
                "--output-file", f"blessed={blessed}",
                "--output-file", f"reason={reason}",
                "--output-file", f"digest={digest}",
                "--", model.path,
            ],
        )  # fmt: skip

    return validate_infra


validate_infra = validate_infra_in(image())
