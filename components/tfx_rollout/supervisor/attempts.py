"""The parts of a turn that may fail, each without stopping the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tfx_rollout.errors import LostLease, RolloutError

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("tfx_rollout.supervisor")


class Attempts:
    """Calls what may fail and comes again in the next turn. A fault is said once, not five times a second."""

    def __init__(self) -> None:
        self._complaints: dict[str, str] = {}

    def make(self, what: str, deed: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The deed's result, None when it failed; `what` names it in the log.

        `LostLease` passes: nothing else of the turn may go on then.
        """
        try:
            result = deed(*args, **kwargs)
        except LostLease:
            raise
        except RolloutError as error:
            if self._complaints.get(what) != str(error):
                log.error("%s: %s", what, error)
                self._complaints[what] = str(error)
            return None
        self._complaints.pop(what, None)
        return result
