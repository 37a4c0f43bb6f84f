"""Which labels fall due when a window closes: strata of prediction window and label age. Pure, but for the source it asks.

Labels of one window come at many ages, and early ones need not be like late ones. So each
window's labels are taken in by stretches of age: the stratum (window, age i) holds the labels
that arrived at an age in `[ages[i-1], ages[i])`, the first one also those that came before the
window's end. It falls due at `window.end + ages[i]`, when none can be added to it any more,
and is then released once. With the last one the labels that never came are counted too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tfx_rollout.evidence.labels import LabelSource
from tfx_rollout.evidence.window import LabelCounts, MissingLabels, PairCounts, Window
from tfx_rollout.traffic import Track


@dataclass(frozen=True)
class PastWindow:
    """A window in which predictions were made: its number and `[start, end)` in seconds since the epoch."""

    number: int
    start: float
    end: float


@dataclass(frozen=True)
class Due:
    """A stratum that fell due: the labels of window `window` at an age in `[from_age, to_age)` seconds.

    `age` is its index, `last` whether no label of that window is taken in any more.
    """

    window: int
    start: float
    end: float
    age: int
    from_age: float
    to_age: float
    last: bool


def past_windows(windows: Iterable[Window]) -> list[PastWindow]:
    """The windows whose labels count: all but the void ones."""
    return [PastWindow(window.number, window.start, window.end) for window in windows if not window.void]


def due(past: Sequence[PastWindow], ages: Sequence[float], *, after: float, until: float) -> list[Due]:
    """The strata that fall due in `(after, until]` (seconds since the epoch), oldest window first.

    Asked with times that adjoin, it names each stratum once, however time is cut. `ages`
    grow; a window that is not past yet at `until` has no stratum due, since all ages are
    positive.
    """
    lower = (-math.inf, *ages)
    return [
        Due(window.number, window.start, window.end, i, lower[i], age, last=i + 1 == len(ages))
        for window in past
        for i, age in enumerate(ages)
        if after < window.end + age <= until
    ]


def collect(
    source: LabelSource, model: str, dues: Iterable[Due]
) -> tuple[tuple[LabelCounts, ...], tuple[MissingLabels, ...], PairCounts]:
    """What the labels of these strata say: wrong ones, missing ones, and pairs of stable with shadow.

    A stratum without any label is left out, and so is one that the source cannot vouch for. How often the two versions of
    a pair disagreed is counted with a window's first stratum.
    """
    labels: list[LabelCounts] = []
    missing: list[MissingLabels] = []
    pairs = PairCounts()
    for stratum in dues:
        tally = source.counts(model, stratum.start, stratum.end, from_age=stratum.from_age, to_age=stratum.to_age)
        if tally.gap:
            continue
        if any(tally.labelled.values()):
            wrong, labelled = tally.wrong, tally.labelled
            canary = (wrong.get(Track.CANARY, 0), labelled.get(Track.CANARY, 0))
            stable = (wrong.get(Track.STABLE, 0), labelled.get(Track.STABLE, 0))
            labels.append(LabelCounts(stratum.window, stratum.age, *canary, *stable))
        pairs = pairs + tally.pairs
        if stratum.age == 0:
            pairs = pairs + source.disagreements(model, stratum.start, stratum.end)
        if stratum.last and (counted := _missing(source, model, stratum)) is not None:
            missing.append(counted)
    return tuple(labels), tuple(missing), pairs


def _missing(source: LabelSource, model: str, last: Due) -> MissingLabels | None:
    """The coverage of one window; None where nothing was predicted."""
    predicted = source.predicted(model, last.start, last.end)
    if not any(predicted.get(track, 0) for track in (Track.CANARY, Track.STABLE)):
        return None
    came = source.counts(model, last.start, last.end, from_age=-math.inf, to_age=last.to_age).labelled
    (canary, canary_came), (stable, stable_came) = (
        (predicted.get(track, 0), came.get(track, 0)) for track in (Track.CANARY, Track.STABLE)
    )
    return MissingLabels(last.window, canary - canary_came, canary, stable - stable_came, stable)
