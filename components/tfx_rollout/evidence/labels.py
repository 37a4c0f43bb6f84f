"""Where labels come from that arrive later than the predictions they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tfx_rollout.evidence.window import PairCounts
from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class LabelTally:
    """What the labels of one stretch of age say about the predictions of one interval.

    `labelled` predictions per track got a label, `wrong` of them were wrong. `pairs` has
    `worse`, `same` and `better` of the labelled requests that both stable and shadow
    answered. `gap` is true where the source cannot vouch for the interval any more (its
    requests are gone): the numbers then mean nothing.
    """

    wrong: Mapping[Track, int] = field(default_factory=dict)
    labelled: Mapping[Track, int] = field(default_factory=dict)
    pairs: PairCounts = PairCounts()
    gap: bool = False


class LabelSource(Protocol):
    """Counts late labels by the start of the request that they are about.

    The *age* of a label is the time from the end of the interval to its arrival, in
    seconds; it is negative for one that came before the interval was over.
    """

    def horizon(self) -> float:
        """The time (seconds since the epoch) up to which all labels are known that had arrived by then."""

    def counts(self, model: str, start: float, end: float, *, from_age: float, to_age: float) -> LabelTally:
        """Counts of the predictions for requests that started in `[start, end)` whose label
        arrived at an age in `[from_age, to_age)`; `end + to_age` must not lie past the horizon."""

    def predicted(self, model: str, start: float, end: float) -> Mapping[Track, int]:
        """How many requests per track that started in `[start, end)` got a prediction, labelled or not."""

    def disagreements(self, model: str, start: float, end: float) -> PairCounts:
        """`pairs` and `disagreed` of the requests that started in `[start, end)` and were answered by stable and shadow."""
