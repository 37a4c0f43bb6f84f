"""`push_model`: a model becomes an immutable version; no traffic moves."""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import Artifact, Input, Model

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Flag, Number, Text


def push_model_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def push_model(
        model: Input[Model],
        root: str,
        model_name: str,
        run: str,
        pushed: Flag,
        version: Number,
        digest: Text,
        path: Text,
        reason: Text,
        validation: Input[Artifact] | None = None,
    ) -> dsl.ContainerSpec:
        """Publishes a SavedModel as the next version of its base path, atomically; the same content is the same version again.

        A model that the validation refuses, or that it is not about, is not pushed: pushed=False, version=0.

        Args:
            model: The SavedModel.
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER: it differs in each run, so that no answer is an old one from a cache,
                and is written into the version's manifest.
            validation: The report of validate_infra.
            pushed: Whether it is a version now.
            version: Its number; 0 where it was not pushed.
            digest: The digest of its content.
            path: The version's folder below the root; empty where it was not pushed.
            reason: Why it was pushed or not, in one line.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "push"],
            args=[
                "--root", root,
                "--model", model_name,
                "--by", run,
                "--mounted",
                "--executor-input", "{{$}}",
                "--output-file", f"pushed={pushed}",
                "--output-file", f"version={version}",
                "--output-file", f"digest={digest}",
                "--output-file", f"path={path}",
                "--output-file", f"reason={reason}",
                "--", model.path,
            ],
        )  # fmt: skip

    return push_model


push_model = push_model_in(image())
