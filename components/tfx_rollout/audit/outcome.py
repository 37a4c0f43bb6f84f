"""What came of a change, as the status that HTTP has for it."""

from __future__ import annotations

from tfx_rollout.errors import Conflict, InvalidInput, NotFound, ServingFault, StorageFault

DONE = 200
REFUSED = 409
"""Of what was not done because of what is there, though nothing went wrong."""
_STATUSES: tuple[tuple[type[BaseException], int], ...] = (
    (InvalidInput, 422),
    (NotFound, 404),
    (Conflict, 409),
    (StorageFault, 503),
    (ServingFault, 503),
)


def status_of(error: BaseException) -> int:
    """The status of what was not done because of this error."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
