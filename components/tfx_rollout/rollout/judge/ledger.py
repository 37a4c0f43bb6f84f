"""Everything the judge carries from window to window, for one run or for thousands of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_rollout.analysis import EFFECTS, GOOD_ODDS_RATIOS, QUANTILES, SPLIT_EFFECTS
from tfx_rollout.evidence.histogram import bucket_of
from tfx_rollout.rollout.judge.layout import EVIDENCE_GATES, layout
from tfx_rollout.rollout.plan import Plan

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Changes = dict[str, Any]
"""Fields of a ledger, by name, with the values that a window gives them."""

BEFORE = -1
"""The stage before the first one is opened: windows then only show what stable is like."""

NO_WINDOW = np.iinfo(np.int64).min
"""The last window where none was judged."""

LATENCY_BUCKETS = bucket_of(3.6e9) + 1
"""Buckets of `LatencyHistogram` that are told apart: up to an hour, everything slower in the last."""

ASKERS = ("predictions", "split", "labels")
"""What may ask for a person: predictions that drifted, a split that is not as it was set, labels that are missing."""


@dataclass(frozen=True)
class Ledger:
    """The evidence of many runs of one plan: arrays with a row a run (`R`), a column a test (`T`, see `layout`).

    The further axes: `S` stages, `E` effects, `M` metrics, `G` gates of evidence, `P` good odds ratios, `B`
    latency buckets. Times in seconds since the epoch. Nothing in it grows with the number of windows.
    """

    attempt: int
    """How often the version was rolled back before, the same in all runs."""
    stage: Counts
    """(R,) index of the open stage, or `BEFORE`."""
    opened_at: Floats
    """(R,) when the split of the open stage came in force."""
    begun: Mask
    """(R, S) stages that were opened."""
    last_window: Counts
    """(R,) number of the last judged window, or `NO_WINDOW`; it and those before it change nothing any more."""
    ended_at: Floats
    """(R,) end of that window."""
    windows: Counts
    """(R,) windows judged since the first stage was opened."""
    logs: Floats
    """(R, T, S, E) the components of each test's e-process, as logarithms."""
    counts: Counts
    """(R, T, 4) tables of each test, summed since the rollout began; of a limit: bad events, trials, 0, 0."""
    pairs: Counts
    """(R, 3) labelled pairs in which the candidate alone was wrong, both were alike, stable alone was wrong."""
    log_tests: Floats
    """(R, T + 1) logarithm of each test's e-value, the last one that of the pairs."""
    log_metrics: Floats
    """(R, M) logarithm of each metric's e-value."""
    raised: Counts
    """(R, M) windows that raised it."""
    since: Floats
    """(R, M) end of the last window after which it was not above 1; where there is none, when the first stage opened."""
    stable_latency: Counts
    """(R, B) latencies of stable's units in all judged windows."""
    limit_buckets: Counts
    """(R, 3) buckets that hold stable's `QUANTILES`, which the next window is held against; -1 until there are enough."""
    baseline_predictions: Counts
    """(R,) stable's predictions in all judged windows."""
    bins: Counts
    """(R,) bins into which predictions are sorted from the next window on; 0 until stable has made enough."""
    baseline_labels: Counts
    """(R, 2) stable's wrong and all its labelled predictions in all judged windows."""
    wrong_share: Floats
    """(R,) stable's share of wrong predictions which the next window is held against; nan until there are enough labels."""
    stage_windows: Counts
    """(R,) windows of the open stage under its own split."""
    stage_requests: Counts
    """(R,) the canary's requests in them."""
    gate_logs: Floats
    """(R, G, P) components of the relative e-value of each gate, in the open stage."""
    gate_counts: Counts
    """(R, G, 4) tables of each gate, summed over the open stage."""
    split_logs: Floats
    """(R, 8) the guard of the split."""
    split_counts: Floats
    """(R, 3) the canary's requests, all requests, and how many the canary should have had."""
    coverage_logs: Floats
    """(R, 2, E) the guard of the labels."""
    coverage_counts: Counts
    """(R, 4) missing labels, and all predictions, of both tracks."""
    accepted: Mask
    """(R, 3) which of `ASKERS` a person has looked at and accepted."""

    @property
    def runs(self) -> int:
        """Number of rows."""
        return len(self.stage)

    def keep(self, rows: npt.ArrayLike) -> Ledger:
        """These rows alone: a mask `(R,)`, or indices."""
        chosen = np.asarray(rows)
        kept: dict[str, Any] = {name: getattr(self, name)[chosen] for name in ARRAYS}
        return replace(self, **kept)

    def put(self, rows: Mask, others: Ledger) -> Ledger:
        """With the rows of this mask replaced by those of another ledger."""
        changed: dict[str, Any] = {name: getattr(self, name).copy() for name in ARRAYS}
        for name, values in changed.items():
            values[rows] = getattr(others, name)
        return replace(self, **changed)


ARRAYS = tuple(field.name for field in fields(Ledger) if field.name != "attempt")
"""Names of the fields that have a row a run."""


def begin_many(plan: Plan, runs: int, *, attempt: int = 0) -> Ledger:
    """The ledger of this many runs before anything was seen. `attempt` counts retries of the same version from 0;
    each halves the alpha, so that many attempts together keep to it (twice the plan's alpha at most)."""
    columns, stages, gates = layout(plan), len(plan.stages), len(EVIDENCE_GATES)

    def zeros(*shape: int) -> Floats:
        return np.zeros((runs, *shape))

    def none(*shape: int) -> Counts:
        return np.zeros((runs, *shape), dtype=np.int64)

    return Ledger(
        attempt=attempt,
        stage=none() + BEFORE,
        opened_at=zeros(),
        begun=np.zeros((runs, stages), dtype=np.bool_),
        last_window=np.full(runs, NO_WINDOW),
        ended_at=zeros(),
        windows=none(),
        logs=zeros(columns.tests, stages, len(EFFECTS)),
        counts=none(columns.tests, 4),
        pairs=none(3),
        log_tests=zeros(columns.tests + 1),
        log_metrics=zeros(len(columns.metrics)),
        raised=none(len(columns.metrics)),
        since=zeros(len(columns.metrics)),
        stable_latency=none(LATENCY_BUCKETS),
        limit_buckets=none(len(QUANTILES)) - 1,
        baseline_predictions=none(),
        bins=none(),
        baseline_labels=none(2),
        wrong_share=np.full(runs, np.nan),
        stage_windows=none(),
        stage_requests=none(),
        gate_logs=zeros(gates, len(GOOD_ODDS_RATIOS)),
        gate_counts=none(gates, 4),
        split_logs=zeros(len(SPLIT_EFFECTS)),
        split_counts=zeros(3),
        coverage_logs=zeros(2, len(EFFECTS)),
        coverage_counts=none(4),
        accepted=np.zeros((runs, len(ASKERS)), dtype=np.bool_),
    )
