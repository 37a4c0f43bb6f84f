"""Journals: what is recorded of a thing that goes from phase to phase and takes orders, and how traffic moves by it.

Rollouts and A/B tests have them.
"""

from tfx_rollout.journal.held_beside import Overruled
from tfx_rollout.journal.orders import give_order, revision_of, waiting_orders
from tfx_rollout.journal.record import RecordedOrder, RecordedPlan, RecordedState
from tfx_rollout.journal.record_journal import RecordJournal
from tfx_rollout.journal.refusal import Refusal
from tfx_rollout.journal.unfinished import Unfinished
from tfx_rollout.journal.waiting import await_state
from tfx_rollout.journal.write_ahead import TrafficState, WriteAhead

__all__ = [
    "Overruled",
    "RecordJournal",
    "RecordedOrder",
    "RecordedPlan",
    "RecordedState",
    "Refusal",
    "TrafficState",
    "Unfinished",
    "WriteAhead",
    "await_state",
    "give_order",
    "revision_of",
    "waiting_orders",
]
