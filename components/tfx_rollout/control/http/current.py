"""At a conflict the answer says what is there now: the document that the change was about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from pydantic import BaseModel

from tfx_rollout.control.interface import Control
from tfx_rollout.errors import Conflict, NotFound, StorageFault


class ConflictNow(Exception):
    """A conflict, and what is there now where that can be told."""

    def __init__(self, conflict: Conflict, current: BaseModel | None) -> None:
        super().__init__(str(conflict))
        self.conflict, self.current = conflict, current


@contextmanager
def with_current(read: Callable[[], BaseModel]) -> Iterator[None]:
    """Adds what `read` gives to a conflict in the block."""
    try:
        yield
    except Conflict as conflict:
        current: BaseModel | None
        try:
            current = read()
        except (NotFound, StorageFault):
            # The conflict is what matters; it is told without.
            current = None
        raise ConflictNow(conflict, current) from conflict


def with_configuration(control: Control, model: str) -> AbstractContextManager[None]:
    """Adds the model's configuration to a conflict in the block."""
    return with_current(lambda: control.configuration(model))
