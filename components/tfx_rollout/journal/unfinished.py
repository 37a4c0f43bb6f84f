"""What has not ended, of many things that have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic

from tfx_rollout.journal.record import StateT


class Unfinished(Generic[StateT]):
    """The states of those that have not ended, oldest first, at each iteration anew.

    States are read one by one, while they are asked for; of what has ended once more than the outcome is never asked again.
    """

    def __init__(self, ids: Callable[[], Iterable[str]], state_of: Callable[[str], StateT]) -> None:
        self._ids, self._state_of = ids, state_of
        self.outcomes: dict[str, str | None] = {}
        """What those that were found to have ended came to, by id."""

    def __iter__(self) -> Iterator[StateT]:
        for id in self._ids():
            if id in self.outcomes:
                continue
            state = self._state_of(id)
            if state.finished:
                self.outcomes[id] = state.outcome
            else:
                yield state
