"""What a model server is told by its environment: whether to log predictions."""

from __future__ import annotations

import logging

from tfx_rollout.errors import RolloutError
from tfx_rollout.evidence.prediction_log import prediction_folder
from tfx_rollout.evidence.source_document import FILE, read_sources
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving.prediction_log import prediction_log_environment

log = logging.getLogger("tfx_rollout.supervisor")


def server_environment(store: ModelStore, model: str) -> dict[str, str]:
    """The variables for a server of this model, by the root's `evidence.yaml`.

    A faulty file is told, and keeps no server from starting: without the log it serves as well.
    """
    try:
        wanted = read_sources(store.root / FILE).predictions.get(model)
    except RolloutError as error:
        log.error("predictions of %s are not logged: %s", model, error)
        return {}
    return {} if wanted is None else prediction_log_environment(prediction_folder(store), wanted.output)
