"""Runs the taxi pipeline on this machine, one component after another, and says where it is.

Importing this module imports TFX, which takes half a minute; `run` may then be called as
often as wanted. What TFX and the libraries under it log goes to a file; what is told is a
line when a component starts, one when it has ended, and what our own components say in
between.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfx_rollout.errors import RolloutError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with warnings.catch_warnings():
    # Libraries warn of old Pythons and of their own future when they are imported.
    warnings.simplefilter("ignore")
    from absl import logging as absl_logging
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from taxi.pipeline import build_pipeline

LOG = "run.log"
"""The file in the pipeline's root that all logs are appended to."""

_RUNNER = re.compile(r"Component (?P<node>\S+) is (?P<event>running|finished)\.")


class PipelineFailed(RolloutError):
    """A component raised. The sentence names it, and the log that has the rest."""

    def __init__(self, component: str, fault: str, log: Path) -> None:
        self.component, self.log = component, log
        super().__init__(f"Component {component} of the taxi pipeline failed: {fault} (the log is {log}).")


def run(
    *,
    data: str | Path,
    span: int,
    pipeline_root: str | Path,
    serving: Mapping[str, str] | None = None,
    plan: str = "default",
    trainer_options: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """One run of the pipeline of `taxi.pipeline.build_pipeline`, whose arguments these are; `tell` gets each line.

    A model that is not blessed or is rolled back ends the run well: read the store for
    what became of it. Raises what our components raise, and PipelineFailed for others.
    """
    root = Path(pipeline_root)
    root.mkdir(parents=True, exist_ok=True)
    pipeline = build_pipeline(
        data=data, span=span, pipeline_root=root, serving=serving, plan=plan, trainer_options=trainer_options
    )
    progress = Progress(tell)
    with _logs_to(root / LOG, progress):
        try:
            LocalDagRunner().run(pipeline)
        except RolloutError:
            raise
        except Exception as fault:
            logging.getLogger("absl").exception("Component %s failed.", progress.node)
            first_line = (str(fault).strip() or type(fault).__name__).splitlines()[0]
            raise PipelineFailed(progress.node, first_line, root / LOG) from fault


class Progress(logging.Handler):
    """Listens to the runner's log, the one place where it says which component it is at."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self.node = "(none yet)"
        self._tell, self._began = tell, time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        heard = _RUNNER.fullmatch(line)
        if heard is None:
            # Ours begin with the name of their component, as no other's do.
            if line.startswith(f"{self.node}: "):
                self._tell(f"  {line.removeprefix(f'{self.node}: ')}")
        elif heard["event"] == "running":
            self.node, self._began = heard["node"], time.monotonic()
            self._tell(f"{self.node} …")
        else:
            self._tell(f"{self.node} done in {time.monotonic() - self._began:.1f} s")


@contextmanager
def _logs_to(path: Path, progress: Progress) -> Iterator[None]:
    """Sends every log of this process and Python's warnings to a file, TFX's to `progress` too; all as before afterwards."""
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(name)s: %(message)s"))
    everything, tfx = logging.getLogger(), logging.getLogger("absl")
    loggers = [everything, tfx, logging.getLogger("tensorflow")]
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in loggers]
    disabled, verbosity = logging.root.manager.disable, absl_logging.get_verbosity()
    for logger in loggers:
        logger.handlers, logger.propagate = [file], False
        logger.setLevel(logging.INFO)
    tfx.addHandler(progress)
    logging.disable(logging.NOTSET)
    logging.captureWarnings(True)
    # absl sets its logger's level anew, from this, whenever Beam's arguments are parsed as flags.
    absl_logging.set_verbosity(absl_logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        absl_logging.set_verbosity(verbosity)
        logging.disable(disabled)
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
        file.close()


def main() -> int:
    """`python -m taxi.run`: one run; the exit code."""
    parser = argparse.ArgumentParser(description="Run the taxi pipeline on one span.")
    parser.add_argument("--data", type=Path, required=True, help="the folder that `python -m taxi.spans` wrote")
    parser.add_argument("--span", type=int, required=True)
    parser.add_argument("--pipeline-root", type=Path, required=True, help="where TFX keeps artifacts, metadata and the log")
    parser.add_argument("--root", type=Path, help="what `tfx-rollout serve` serves; without it the run ends with the Evaluator")
    parser.add_argument("--model", default="taxi", help="the model's name under the root")
    parser.add_argument("--plan", default="default", help="the rollout's plan: a name or a file")
    parser.add_argument("--unknown-company", choices=("answer", "fail"), default="answer", help="'fail' plants a fault")
    given = parser.parse_args()
    try:
        run(
            data=given.data,
            span=given.span,
            pipeline_root=given.pipeline_root,
            serving=None if given.root is None else {"root": str(given.root.resolve()), "model": given.model},
            plan=given.plan,
            trainer_options={"unknown_company": given.unknown_company},
        )
    except RolloutError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
