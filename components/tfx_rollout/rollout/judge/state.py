"""The judge's state of one rollout: a ledger of one row, and the bins of its predictions. JSON and back, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tfx_rollout.rollout.judge.bins import Bins
from tfx_rollout.rollout.judge.ledger import ARRAYS, ASKERS, LATENCY_BUCKETS, NO_WINDOW, Ledger

_NUMBERS = ("stage", "opened_at", "ended_at", "windows", "baseline_predictions", "bins", "stage_windows", "stage_requests")
_LISTS = (
    *("counts", "pairs", "log_tests", "log_metrics", "raised", "since", "limit_buckets", "baseline_labels"),
    *("gate_logs", "gate_counts", "split_logs", "split_counts", "coverage_logs", "coverage_counts"),
)
_MASKS = ("begun", "accepted")
_FLOATS = (
    *("opened_at", "ended_at", "logs", "log_tests", "log_metrics", "since", "wrong_share"),
    *("gate_logs", "split_logs", "split_counts", "coverage_logs"),
)


@dataclass(frozen=True, eq=False)
class JudgeState:
    """The evidence so far: some ten kilobytes as JSON, however long the rollout lasts."""

    ledger: Ledger
    """One row."""
    bins: Bins

    @property
    def attempt(self) -> int:
        """How often the version was rolled back before."""
        return self.ledger.attempt

    @property
    def stage(self) -> int:
        """Index of the open stage, or `BEFORE`."""
        return int(self.ledger.stage[0])

    @property
    def opened_at(self) -> float:
        """When the split of the open stage came in force, seconds since the epoch."""
        return float(self.ledger.opened_at[0])

    @property
    def ended_at(self) -> float:
        """End of the last judged window, seconds since the epoch."""
        return float(self.ledger.ended_at[0])

    @property
    def last_window(self) -> int | None:
        """Number of the last judged window; it and those before it change nothing any more."""
        number = int(self.ledger.last_window[0])
        return None if number == NO_WINDOW else number

    def __eq__(self, other: object) -> bool:
        """Whether all bits are the same."""
        if not isinstance(other, JudgeState):
            return NotImplemented
        mine, theirs = self.ledger, other.ledger
        return (
            (mine.attempt, self.bins) == (theirs.attempt, other.bins)
            and all(getattr(mine, name).shape == getattr(theirs, name).shape for name in ARRAYS)
            and all(getattr(mine, name).tobytes() == getattr(theirs, name).tobytes() for name in ARRAYS)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays do not hash

    def to_json(self) -> dict[str, Any]:
        """The state as a document. Floats are written with all their digits; stages that were not opened have no components."""
        row, begun = self.ledger, self.ledger.begun[0]
        share = float(row.wrong_share[0])
        buckets = np.flatnonzero(row.stable_latency[0])
        return {
            "attempt": row.attempt,
            **{name: getattr(row, name)[0].item() for name in _NUMBERS},
            **{name: getattr(row, name)[0].tolist() for name in _LISTS},
            "last_window": self.last_window,
            "begun": begun.tolist(),
            "logs": [[starts.tolist() for starts in test[begun]] for test in row.logs[0]],
            "effects": row.logs.shape[3],
            "stable_latency": {str(bucket): int(row.stable_latency[0, bucket]) for bucket in buckets},
            "wrong_share": None if math.isnan(share) else share,
            "accepted": [name for name, accepted in zip(ASKERS, row.accepted[0], strict=True) if accepted],
            "predictions": self.bins.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JudgeState:
        begun = np.array(data["begun"], dtype=np.bool_)
        logs = np.zeros((len(data["logs"]), len(begun), data["effects"]))
        logs[:, begun] = np.array(data["logs"], dtype=np.float64).reshape(len(logs), int(begun.sum()), data["effects"])
        latency = np.zeros(LATENCY_BUCKETS, dtype=np.int64)
        for bucket, times in data["stable_latency"].items():
            latency[int(bucket)] = times
        special = {
            "last_window": NO_WINDOW if data["last_window"] is None else data["last_window"],
            "begun": begun,
            "logs": logs,
            "stable_latency": latency,
            "wrong_share": math.nan if data["wrong_share"] is None else data["wrong_share"],
            "accepted": [name in data["accepted"] for name in ASKERS],
        }
        rows = {name: _row(name, special.get(name, data.get(name))) for name in ARRAYS}
        return cls(Ledger(attempt=data["attempt"], **rows), Bins.from_json(data["predictions"]))


def _row(name: str, values: object) -> npt.NDArray[Any]:
    kind = np.float64 if name in _FLOATS else np.bool_ if name in _MASKS else np.int64
    return np.array(values, dtype=kind)[None]
