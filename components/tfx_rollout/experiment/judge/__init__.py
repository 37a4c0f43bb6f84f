"""The judge of A/B tests: windows in, evidence and findings out, for one live test or for thousands of simulated ones."""

from tfx_rollout.experiment.judge.decide import GUARDS, Findings, decided, findings, harm_threshold
from tfx_rollout.experiment.judge.fold import ArrivalBatch, OutcomeBatch, fold_arrivals, fold_outcomes, paired_columns
from tfx_rollout.experiment.judge.judge import assess, begin_experiment, judge_arrivals, judge_outcomes, variants_left
from tfx_rollout.experiment.judge.ledger import BETTER, HARMFUL, OPEN, STATES, WORSE, ExperimentLedger, begin_many
from tfx_rollout.experiment.judge.state import ExperimentJudgeState
from tfx_rollout.experiment.judge.verdict import ArmEvidence, ArmState, ExperimentVerdict

__all__ = [
    "BETTER",
    "GUARDS",
    "HARMFUL",
    "OPEN",
    "STATES",
    "WORSE",
    "ArmEvidence",
    "ArmState",
    "ArrivalBatch",
    "ExperimentJudgeState",
    "ExperimentLedger",
    "ExperimentVerdict",
    "Findings",
    "OutcomeBatch",
    "assess",
    "begin_experiment",
    "begin_many",
    "decided",
    "findings",
    "fold_arrivals",
    "fold_outcomes",
    "harm_threshold",
    "judge_arrivals",
    "judge_outcomes",
    "paired_columns",
    "variants_left",
]
