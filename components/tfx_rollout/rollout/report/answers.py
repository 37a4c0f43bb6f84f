"""What the two versions answered, and how often they were right, over the whole rollout."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfx_rollout.evidence import Window
from tfx_rollout.rollout.plan import PredictionKind
from tfx_rollout.rollout.report.series import LABEL_COLUMNS, label_total
from tfx_rollout.traffic import Track

MOST_CLASSES = 9
"""So many classes are told one by one, the most frequent of stable; the rest is `other`."""
TENTHS = 10


def predictions(windows: Sequence[Window], kind: PredictionKind, tracks: Iterable[Track]) -> dict[str, Any] | None:
    """How often each class, or each tenth of stable's numbers, was predicted on each track; None where nothing logs predictions.

    `{"kind", "bins": [{"name", "stable", "canary", …}]}` with counts. The tenths are those of all that stable
    predicted in the rollout, for the eye; the bins that the judge tests were frozen early.
    """
    counts = {track: Counter[str]() for track in tracks}
    for window in windows:
        for track, counter in counts.items():
            counter.update(window.counts(track).predictions)
    if not any(counts.values()):
        return None
    known = counts[Track.STABLE] or sum(counts.values(), Counter())
    bins, bin_of = _classes(known) if kind == "classes" else _tenths(known)
    binned: dict[Track, Counter[int]] = {track: Counter() for track in counts}
    for track, counter in counts.items():
        for prediction, n in counter.items():
            binned[track][bin_of(prediction)] += n
    told = [{"name": name, **{str(track): binned[track][i] for track in binned}} for i, name in enumerate(bins)]
    return {"kind": kind, "bins": [row for row in told if any(row[str(track)] for track in binned)]}


def labels(windows: Sequence[Window]) -> dict[str, Any] | None:
    """What labels said of the predictions: of so many labelled ones so many were wrong. None where no label ever fell due.

    `pairs` are the requests that both versions answered (`PairCounts`), from a shadow stage.
    """
    strata = [stratum for window in windows for stratum in window.labels]
    missing = [counts for window in windows for counts in window.missing_labels]
    pairs = {name: sum(getattr(window.pairs, name) for window in windows) for name in _PAIRS}
    if not strata and not missing and not any(pairs.values()):
        return None
    return {
        **{name: label_total(strata, name) for name in LABEL_COLUMNS},
        "canary_missing": sum(counts.canary_missing for counts in missing),
        "stable_missing": sum(counts.stable_missing for counts in missing),
        "pairs": pairs,
    }


_PAIRS = ("worse", "same", "better", "disagreed", "pairs")


def _classes(known: Counter[str]) -> tuple[list[str], Callable[[str], int]]:
    frequent = [name for name, _ in sorted(known.items(), key=lambda item: (-item[1], item[0]))[:MOST_CLASSES]]
    place = {name: i for i, name in enumerate(frequent)}
    return [*frequent, "other"], lambda prediction: place.get(prediction, len(frequent))


def _tenths(known: Counter[str]) -> tuple[list[str], Callable[[str], int]]:
    values = sorted((float(name), n) for name, n in known.items())
    total, seen = sum(n for _, n in values), 0
    edges: list[float] = []
    for value, n in values:
        seen += n
        if seen * TENTHS >= total * (len(edges) + 1) and seen < total:
            edges.append(value)
    names = [f"up to {edge:g}" for edge in edges] + [f"above {edges[-1]:g}" if edges else "all"]
    return names, lambda prediction: bisect_left(edges, float(prediction))
