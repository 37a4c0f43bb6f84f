"""`check_blessing`: the last word on a model, from all evidence."""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import HTML, Artifact, Input, Model, Output

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Flag, Text


def check_blessing_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def check_blessing(
        model: Input[Model],
        rollout: Input[Artifact],
        root: str,
        model_name: str,
        run: str,
        blessed: Flag,
        outcome: Text,
        reason: Text,
        digest: Text,
        report: Output[Artifact],
        page: Output[HTML],
        validation: Input[Artifact] | None = None,
        metrics: Input[Artifact] | None = None,
        require: str = "",
        model_blessing: str = "",
        policy: str = "",
    ) -> dsl.ContainerSpec:
        """Promotes a rollout, or rolls it back, once, by all evidence about its model.

        It is promoted only if every required piece of evidence is there, is about exactly this model, and says yes.

        Args:
            model: The SavedModel that was pushed.
            rollout: The report of run_canary.
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER: it differs in each run, so that no answer is an old one from a cache.
            validation: The report of validate_infra.
            metrics: The model's metrics: a JSON file of numbers, or an artifact of the type Metrics.
            require: What the metrics must keep, such as accuracy>=0.9, loss<0.5.
            model_blessing: yes or no, the word of an evaluation, instead of metrics.
            policy: JSON document of which evidence is required; empty for all that is given.
            blessed: Whether the model may be live, and is.
            outcome: What became of the rollout.
            reason: Why, in one line.
            digest: The digest of the model's content.
            report: The decision with all evidence, as JSON.
            page: The same as a page.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "check"],
            args=[
                "--root", root,
                "--model", model_name,
                "--rollout", rollout.path,
                "--require", require,
                "--model-blessing", model_blessing,
                "--policy", policy,
                "--by", run,
                "--executor-input", "{{$}}",
                "--report", report.path,
                "--html", page.path,
                "--output-file", f"blessed={blessed}",
                "--output-file", f"outcome={outcome}",
                "--output-file", f"reason={reason}",
                "--output-file", f"digest={digest}",
                "--", model.path,
            ],
        )  # fmt: skip

    return check_blessing


check_blessing = check_blessing_in(image())
