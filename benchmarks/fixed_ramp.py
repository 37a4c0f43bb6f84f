"""The setting of the reference: four stages of ten minutes each, whatever the evidence, and several rules on the same windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from rivals import Kayenta, PeekedZ, Rule, Thresholds

from tfx_rollout.rollout.judge import BEFORE, CODES, Call, WindowBatch, begin_many, calls, fold, open_stages
from tfx_rollout.rollout.plan import AccuracyTest, LatencyTest, Plan, PredictionTest, Stage
from tfx_rollout.rollout.simulation import Arrival, Labels, Scenario, Traffic

SHARES = (0.01, 0.05, 0.25, 0.50)
STAGE_SECONDS = 600.0
BEFORE_SECONDS = 300.0
"""How long stable is seen before the first stage, so that its quantiles are known by then."""

PLAN = Plan(
    name="reference",
    stages=tuple(Stage(share, bad_odds_ratio=2.0, max_failure_rate=0.01) for share in SHARES),
    window_seconds=15.0,
    waiting_seconds=0.0,
    latency=LatencyTest(slack_ms=0.0, settle_seconds=0.0, spacing_ms=0.0),
    predictions=PredictionTest(action="rollback"),
    accuracy=AccuracyTest(ages=(120.0,)),
)
"""Windows of 15 s, four metrics of the same weight, all latencies compared (simulated requests are independent), no slack."""

LABELS = Arrival(share=0.6, median_seconds=120.0, sigma=0.0)
"""All labels that come at all come after two minutes."""

RULES = ("judge", "z-tests, peeked", "thresholds", "thresholds, 500 requests", "Kayenta", "Kayenta, equal baseline")


@dataclass(frozen=True)
class Alarms:
    """When each run of a rule was rolled back, if at all, and how many requests the canary had had by then; nan for never."""

    minutes: npt.NDArray[np.float64]
    requests: npt.NDArray[np.float64]

    @property
    def rate(self) -> float:
        return float(np.mean(~np.isnan(self.minutes)))

    @property
    def median_minutes(self) -> float:
        return float(np.nanmedian(self.minutes)) if self.rate else np.nan

    @property
    def median_requests(self) -> float:
        return float(np.nanmedian(self.requests)) if self.rate else np.nan


class Judge:
    """The rollback of our judge as a rule among the others."""

    def __init__(self, runs: int) -> None:
        self._ledger = begin_many(PLAN, runs)
        self._rows = np.arange(runs)
        self._runs = runs

    def open(self, at: float) -> None:
        if len(self._rows):
            self._ledger = open_stages(PLAN, self._ledger, np.ones(len(self._rows), bool), at=at)

    def observe(self, batch: WindowBatch) -> npt.NDArray[np.bool_]:
        alarms = np.zeros(self._runs, bool)
        if not len(self._rows):
            return alarms
        self._ledger = fold(PLAN, self._ledger, batch.keep(self._rows))
        back = calls(PLAN, self._ledger).call == CODES[Call.ROLLBACK]
        alarms[self._rows[back]] = True
        self._rows, self._ledger = self._rows[~back], self._ledger.keep(~back)
        return alarms


def fixed_ramp(scenario: Scenario, rps: float, runs: int, seed: tuple[int, ...]) -> dict[str, Alarms]:
    """All `RULES` on the same simulated windows."""
    seconds = BEFORE_SECONDS + STAGE_SECONDS * len(SHARES)
    labelled = replace(scenario, labels=Labels(LABELS, LABELS))
    traffic = Traffic(labelled, PLAN, rps=rps, runs=runs, most_seconds=seconds, rng=np.random.default_rng(seed))
    judge = Judge(runs)
    rules: tuple[Rule, ...] = (
        judge,
        PeekedZ(runs),
        Thresholds(runs),
        Thresholds(runs, min_requests=500),
        Kayenta(runs),
        Kayenta(runs, equal_baseline=True),
    )
    minutes = np.full((len(rules), runs), np.nan)
    requests = np.full((len(rules), runs), np.nan)
    served = np.zeros(runs)
    for stage in range(BEFORE, len(SHARES)):
        if stage != BEFORE:
            judge.open(BEFORE_SECONDS + STAGE_SECONDS * stage)
        for _ in range(round((BEFORE_SECONDS if stage == BEFORE else STAGE_SECONDS) / PLAN.window_seconds)):
            batch = traffic.window(np.full(runs, stage))
            served += batch.requests[:, 0]
            for number, rule in enumerate(rules):
                alarms = rule.observe(batch) & np.isnan(minutes[number]) & (stage != BEFORE)
                minutes[number, alarms] = (batch.end - BEFORE_SECONDS) / 60
                requests[number, alarms] = served[alarms]
    return {name: Alarms(minutes[number], requests[number]) for number, name in enumerate(RULES)}
