"""Journals: what is recorded of a thing that goes from phase to phase and takes orders. Rollouts and A/B tests have them."""

from tfx_rollout.journal.orders import give_order, revision_of, waiting_orders
from tfx_rollout.journal.record import RecordedOrder, RecordedPlan, RecordedState
from tfx_rollout.journal.record_journal import RecordJournal
from tfx_rollout.journal.refusal import Refusal
from tfx_rollout.journal.unfinished import Unfinished
from tfx_rollout.journal.waiting import await_state

__all__ = [
    "RecordJournal",
    "RecordedOrder",
    "RecordedPlan",
    "RecordedState",
    "Refusal",
    "Unfinished",
    "await_state",
    "give_order",
    "revision_of",
    "waiting_orders",
]
