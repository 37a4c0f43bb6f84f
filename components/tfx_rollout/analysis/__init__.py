"""Counts in, evidence out: exact sequential tests on 2x2 tables, one a window. Pure, and numpy only.

Every test is an e-process: its value is a bet against a hypothesis, which under that hypothesis ever
multiplies by `1/a` with a probability of at most `a`. One may look after every window and stop at will.
"""

from tfx_rollout.analysis.bets import EFFECTS, request_bets, window_bets
from tfx_rollout.analysis.combine import e_value, log_mean
from tfx_rollout.analysis.evidence import GateEvidence, MetricEvidence, TestEvidence
from tfx_rollout.analysis.fisher import hypergeometric, log_likelihood_ratios
from tfx_rollout.analysis.gate import GOOD_ODDS_RATIOS, PassageEvidence, log_absolute
from tfx_rollout.analysis.latency import FULL_BASELINE, GATED, MIN_BASELINE, QUANTILES, canary_limit_us, max_slow_rate
from tfx_rollout.analysis.regression import RegressionEvidence
from tfx_rollout.analysis.table import Table

__all__ = [
    "EFFECTS",
    "FULL_BASELINE",
    "GATED",
    "GOOD_ODDS_RATIOS",
    "MIN_BASELINE",
    "QUANTILES",
    "GateEvidence",
    "MetricEvidence",
    "PassageEvidence",
    "RegressionEvidence",
    "Table",
    "TestEvidence",
    "canary_limit_us",
    "e_value",
    "hypergeometric",
    "log_absolute",
    "log_likelihood_ratios",
    "log_mean",
    "max_slow_rate",
    "request_bets",
    "window_bets",
]
