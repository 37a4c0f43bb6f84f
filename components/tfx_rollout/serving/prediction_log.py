"""How the embedded model server is asked to log predictions by request id."""

from __future__ import annotations

from pathlib import Path

LOG_VARIABLE = "TFX_ROLLOUT_PREDICTION_LOG"
"""Environment variable: the folder to log to. The real `tensorflow_model_server` has no such log and ignores it."""

OUTPUT_VARIABLE = "TFX_ROLLOUT_PREDICTION_OUTPUT"
"""Environment variable: the output that is the prediction, where the only or a usual one is not."""


def prediction_log_environment(folder: Path, output: str | None = None) -> dict[str, str]:
    """What to add to a model server's environment, so that it logs to this folder, which servers may share.

    Give it to `ModelServerProcess.start(environment=…)`. `evidence.prediction_log` reads the
    folder; see `model_server.prediction_log` for the lines.
    """
    variables = {LOG_VARIABLE: str(folder.absolute())}
    return variables if output is None else {**variables, OUTPUT_VARIABLE: output}
