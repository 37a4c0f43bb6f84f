"""Counts in, evidence out: exact sequential tests on 2x2 tables, one a window. Pure, and numpy only.

Every test is an e-process: its value is a bet against a hypothesis, which under that hypothesis ever
multiplies by `1/a` with a probability of at most `a`. One may look after every window and stop at will.

All functions take arrays with any leading axes, and give an element the same bits whatever the batch it is in: what
judges one live window also judges thousands of simulated ones.
"""

from tfx_rollout.analysis.bets import EFFECTS, limit_bets
from tfx_rollout.analysis.blame import flagged
from tfx_rollout.analysis.combine import e_value, log_weighted_mean
from tfx_rollout.analysis.evidence import GateEvidence, GuardEvidence, MetricEvidence, TestEvidence
from tfx_rollout.analysis.gate import (
    GOOD_ODDS_RATIOS,
    GOOD_RATES,
    log_absolute,
    log_joint,
    log_relative,
)
from tfx_rollout.analysis.guards import GUARD_ALPHA, SPLIT_EFFECTS, split_bets
from tfx_rollout.analysis.interval import odds_ratio_interval, windows_to_go
from tfx_rollout.analysis.latency import (
    FULL_BASELINE,
    GATED,
    MIN_BASELINE,
    QUANTILES,
    canary_limit_us,
    gate_odds_ratio,
    max_slow_rate,
)
from tfx_rollout.analysis.paired import paired_bet, paired_rate
from tfx_rollout.analysis.questions import Question, answers, good, in_order, uneven, worse
from tfx_rollout.analysis.regression import log_mixture, start_weights
from tfx_rollout.analysis.table import Table

__all__ = [
    "EFFECTS",
    "FULL_BASELINE",
    "GATED",
    "GOOD_ODDS_RATIOS",
    "GOOD_RATES",
    "GUARD_ALPHA",
    "MIN_BASELINE",
    "QUANTILES",
    "SPLIT_EFFECTS",
    "GateEvidence",
    "GuardEvidence",
    "MetricEvidence",
    "Question",
    "Table",
    "TestEvidence",
    "answers",
    "canary_limit_us",
    "e_value",
    "flagged",
    "gate_odds_ratio",
    "good",
    "in_order",
    "limit_bets",
    "log_absolute",
    "log_joint",
    "log_mixture",
    "log_relative",
    "log_weighted_mean",
    "max_slow_rate",
    "odds_ratio_interval",
    "paired_bet",
    "paired_rate",
    "split_bets",
    "start_weights",
    "uneven",
    "windows_to_go",
    "worse",
]
