"""What the server needs of TensorFlow: import a graph, open a Session on it, make callables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

CALLERS_THREAD = -1
"""`RunOptions.inter_op_thread_pool`: run the whole step in the calling thread, without a hand-over to a pool."""

Run = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
"""Feeds in, fetches out, in the order the callable was made with; raises ServingError with the op's code."""


class GraphSession(Protocol):
    """A Session on one imported graph."""

    def callable(self, feeds: Sequence[str], fetches: Sequence[str], targets: Sequence[str]) -> Run:
        """A callable from tensor names to tensor names, running `targets` (operation names) too.

        It accepts feeds that contradict a placeholder's static shape, as the C++ server does.
        Making it is expensive (graph optimisation) and leaves the interpreter's lock alone.
        """
        ...

    def close(self) -> None:
        """Frees the graph, its variables and its callables. No callable may be running."""
        ...


class Runtime(Protocol):
    """A way to TensorFlow's runtime in this process."""

    name: str

    def open(self, graph_def: bytes, config: bytes) -> GraphSession:
        """A session with a serialized GraphDef imported; `config` is a serialized ConfigProto.

        The import may hold the interpreter's lock, so no more than that is done here.
        Raises ServingError, NOT_FOUND for an op that is not registered in this process.
        """
        ...
