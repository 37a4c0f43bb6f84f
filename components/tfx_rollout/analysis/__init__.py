"""Counts in, evidence out: exact sequential tests on 2x2 tables, one a window. Pure, and numpy only.

Every test is an e-process: its value is a bet against a hypothesis, which under that hypothesis ever
multiplies by `1/a` with a probability of at most `a`. One may look after every window and stop at will.

All functions take arrays with any leading axes, and give an element the same bits whatever the batch it is in: what
judges one live window also judges thousands of simulated ones.
"""

from tfx_rollout.analysis.bets import EFFECTS, comparison_bets, limit_bets
from tfx_rollout.analysis.blame import flagged
from tfx_rollout.analysis.combine import e_value, log_weighted_mean
from tfx_rollout.analysis.evidence import GateEvidence, GuardEvidence, MetricEvidence, TestEvidence
from tfx_rollout.analysis.fisher import log_likelihood_ratios, log_ratios_of_multiples
from tfx_rollout.analysis.gate import (
    GOOD_ODDS_RATIOS,
    GOOD_RATES,
    log_absolute,
    log_joint,
    log_relative,
    passage_bets,
)
from tfx_rollout.analysis.guards import GUARD_ALPHA, SPLIT_EFFECTS, coverage_bets, split_bets
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
    "Table",
    "TestEvidence",
    "canary_limit_us",
    "comparison_bets",
    "coverage_bets",
    "e_value",
    "flagged",
    "gate_odds_ratio",
    "limit_bets",
    "log_absolute",
    "log_joint",
    "log_likelihood_ratios",
    "log_mixture",
    "log_ratios_of_multiples",
    "log_relative",
    "log_weighted_mean",
    "max_slow_rate",
    "odds_ratio_interval",
    "paired_bet",
    "paired_rate",
    "passage_bets",
    "split_bets",
    "start_weights",
    "windows_to_go",
]
