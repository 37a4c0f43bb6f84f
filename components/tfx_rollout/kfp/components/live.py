"""`live_model`: the version that is live now."""

from kfp import dsl
from kfp.components import BaseComponent

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Flag, Number, Text


def live_model_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def live_model(
        root: str,
        model_name: str,
        run: str,
        live: Flag,
        version: Number,
        path: Text,
        digest: Text,
    ) -> dsl.ContainerSpec:
        """Tells which version is live; that none is yet is an answer too.

        Args:
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER: it differs in each run, so that no answer is an old one from a cache.
            live: Whether any version is live.
            version: Its number; 0 while none is.
            path: Its SavedModel, below the root; empty while none is live.
            digest: The digest of its content; empty while none is live.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "live"],
            args=[
                "--root", root,
                "--model", model_name,
                "--or-none",
                "--output-file", f"live={live}",
                "--output-file", f"version={version}",
                "--output-file", f"path={path}",
                "--output-file", f"digest={digest}",
            ],
        )  # fmt: skip

    return live_model


live_model = live_model_in(image())
