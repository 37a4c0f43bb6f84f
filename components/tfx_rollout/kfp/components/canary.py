"""`run_canary`: a version under live traffic, in stages, until it has passed or was undone."""

from kfp import dsl
from kfp.components import BaseComponent
from kfp.dsl import HTML, Artifact, Output

from tfx_rollout.kfp.components.image import COMMAND, image
from tfx_rollout.kfp.components.types import Flag, Text


def run_canary_in(image: str) -> BaseComponent:
    """The component for an image of one's own."""

    @dsl.container_component
    def run_canary(
        version: int,
        root: str,
        model_name: str,
        run: str,
        outcome: Text,
        passed: Flag,
        reason: Text,
        rollout: Text,
        digest: Text,
        report: Output[Artifact],
        page: Output[HTML],
        plan: str = "default",
        timeout_seconds: float = 0.0,
    ) -> dsl.ContainerSpec:
        """Gives a version a growing share of live traffic, by a plan, under a test that undoes a worse one.

        The supervisor runs the rollout; this task submits it and awaits its end. Run again, it follows the rollout that
        it had begun. What becomes of the version is a value; a rollout that is not decided in time fails the task.

        Args:
            version: The version, as push_model says.
            root: Folder that a supervisor serves, on a volume that is mounted there.
            model_name: Name under which the model is served.
            run: dsl.PIPELINE_JOB_ID_PLACEHOLDER: by it end_unfinished knows the rollout again.
            plan: A plan's name, or the whole plan as JSON.
            timeout_seconds: How long to wait for the decision; 0 for all stages at their longest, and an hour.
            outcome: holding (passed, waits for check_blessing), first_version, promoted, already_live, rolled_back or failed.
            passed: Whether it has passed.
            reason: Why, in one line.
            rollout: The id of the rollout; empty for already_live.
            digest: The digest of the version's content.
            report: The outcome and the whole state of the rollout, as JSON.
            page: The report with charts, as it stood when the task ended.
        """
        return dsl.ContainerSpec(
            image=image,
            command=[*COMMAND, "rollout", "run"],
            args=[
                "--root", root,
                "--model", model_name,
                "--version", version,
                "--plan", plan,
                "--timeout", timeout_seconds,
                "--by", run,
                "--why", "a pipeline run",
                "--once",
                "--report", report.path,
                "--html", page.path,
                "--output-file", f"outcome={outcome}",
                "--output-file", f"passed={passed}",
                "--output-file", f"reason={reason}",
                "--output-file", f"rollout={rollout}",
                "--output-file", f"digest={digest}",
            ],
        )  # fmt: skip

    return run_canary


run_canary = run_canary_in(image())
