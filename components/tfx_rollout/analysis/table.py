"""The 2x2 table that every test here starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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

    @classmethod
    def of(cls, counts: npt.NDArray[Any]) -> Table:
        """The table with the counts of an array `(4,)`."""
        canary_bad, canary, stable_bad, stable = counts.tolist()
        return cls(canary_bad, canary, stable_bad, stable)

    def to_array(self) -> npt.NDArray[np.int64]:
        """The counts as an array `(4,)`."""
        return np.array([self.canary_bad, self.canary, self.stable_bad, self.stable], dtype=np.int64)

    @property
    def bad(self) -> int:
        """Bad events of both tracks."""
        return self.canary_bad + self.stable_bad

    @property
    def requests(self) -> int:
        """Requests of both tracks."""
        return self.canary + self.stable

    def __add__(self, other: Table) -> Table:
        return Table(
            self.canary_bad + other.canary_bad,
            self.canary + other.canary,
            self.stable_bad + other.stable_bad,
            self.stable + other.stable,
        )

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, int]) -> Table:
        return cls(**data)
