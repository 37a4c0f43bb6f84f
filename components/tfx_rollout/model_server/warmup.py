"""Makes a version ready for its first request, so that this one is not slow.

Each signature's callable is made, in which TensorFlow optimises the graph, and run once
on zeros and empty strings of batch size one. What the model answers or refuses does not
matter. (Replaying recorded warm-up requests, as TensorFlow Serving does, is not done.)
"""

from __future__ import annotations

import logging

import numpy as np

from tfx_rollout.model_server.servable import Servable, TensorInfo
from tfx_rollout.model_server.status import ServingError

_INTERNAL_PREFIX = "__saved_model"
_log = logging.getLogger(__name__)


def warm_up(servable: Servable) -> None:
    """Makes and runs the programs of all signatures."""
    for name, signature in servable.signatures.items():
        if name.startswith(_INTERNAL_PREFIX):
            continue
        try:
            program = servable.program(name, tuple(signature.outputs))
            feeds = [_blank(info) for info in signature.inputs.values()]
            if all(feed is not None for feed in feeds):
                program.run(tuple(feed for feed in feeds if feed is not None))
        except (ServingError, TypeError, ValueError) as error:
            _log.info("Signature %s of %s version %d refused a blank request: %s", name, servable.name, servable.version, error)


def _blank(info: TensorInfo) -> np.ndarray | None:
    """Zeros or empty strings of the smallest shape; None for types without an array."""
    if info.dtype.numpy is None:
        return None
    shape = [1 if size < 0 else size for size in info.shape or ()]
    return np.full(shape, b"", object) if info.dtype.is_string else np.zeros(shape, info.dtype.numpy)
