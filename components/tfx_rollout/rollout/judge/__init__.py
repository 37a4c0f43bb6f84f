"""The judge: windows in, evidence and decisions out, for one live rollout or for thousands of simulated ones.

window ─► WindowBatch ─► fold ─► Ledger ─► calls ─► Call         many runs (`begin_many`, `open_stages`, `fold`, `calls`)
                                    └────► assess ─► Verdict     one run, with the sentences (`begin`, `open_stage`, `judge`)
"""

from tfx_rollout.rollout.judge.assessment import assess
from tfx_rollout.rollout.judge.bins import Bins
from tfx_rollout.rollout.judge.calls import CALLS, CODES, Calls, calls
from tfx_rollout.rollout.judge.fold import fold
from tfx_rollout.rollout.judge.guards import GUARDS
from tfx_rollout.rollout.judge.judge import accept, begin, delay, judge, open_stage
from tfx_rollout.rollout.judge.layout import GATES, layout
from tfx_rollout.rollout.judge.ledger import ASKERS, BEFORE, LATENCY_BUCKETS, Ledger, begin_many
from tfx_rollout.rollout.judge.stages import open_stages
from tfx_rollout.rollout.judge.state import JudgeState
from tfx_rollout.rollout.judge.verdict import Call, Verdict
from tfx_rollout.rollout.judge.window_batch import WindowBatch

__all__ = [
    "ASKERS",
    "BEFORE",
    "CALLS",
    "CODES",
    "GATES",
    "GUARDS",
    "LATENCY_BUCKETS",
    "Bins",
    "Call",
    "Calls",
    "JudgeState",
    "Ledger",
    "Verdict",
    "WindowBatch",
    "accept",
    "assess",
    "begin",
    "begin_many",
    "calls",
    "delay",
    "fold",
    "judge",
    "layout",
    "open_stage",
    "open_stages",
]
