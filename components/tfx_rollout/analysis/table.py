"""The 2x2 table that every test here starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Table:
    """Bad events among the requests of the two tracks, over one stretch of time.

    Here for a person to read and for JSON. The tests take int64 arrays `(..., 4)` with the counts in this order.
    Raises ValueError where a count is negative or a track has more bad events than requests.
    """

    canary_bad: int = 0
    canary: int = 0
    stable_bad: int = 0
    stable: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.canary_bad <= self.canary and 0 <= self.stable_bad <= self.stable):
            raise ValueError(f"{self} has more bad events than requests, or negative counts")

    def to_array(self) -> npt.NDArray[np.int64]:
        """The counts as an array `(4,)`."""
        return np.array([self.canary_bad, self.canary, self.stable_bad, self.stable], dtype=np.int64)

    @property
    def requests(self) -> int:
        """Requests of both tracks."""
        return self.canary + self.stable
