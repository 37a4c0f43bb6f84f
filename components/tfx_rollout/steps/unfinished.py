"""What a failed pipeline left running, ended: its rollouts return to what was before them."""

from __future__ import annotations

from dataclasses import dataclass

from tfx_rollout.errors import Conflict, OrderWaiting
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout.operations import list_rollouts, read_rollout
from tfx_rollout.rollout.state import Phase, RolloutState
from tfx_rollout.steps.canary import SETTLE_SECONDS, Say, await_taken, follow, give_order, require_supervisor

ENDING = frozenset({Phase.PROMOTING, Phase.STEPPING_BACK, Phase.ROLLING_BACK})
"""Phases that end by themselves: what was blessed goes live, and what goes back is on its way."""


@dataclass(frozen=True)
class Ended:
    """Which rollouts were unfinished, as they ended."""

    rollouts: tuple[RolloutState, ...]

    @property
    def reason(self) -> str:
        """What was done, in one line."""
        if not self.rollouts:
            return "no rollout of this run was unfinished, so nothing was changed"
        return "; ".join(f"rollout {state.id} of version {state.version} is {state.phase}" for state in self.rollouts)


def end_unfinished(
    base: BasePath, *, begun_by: str, why: str, timeout_s: float | None = None, say: Say = lambda _: None
) -> Ended:
    """Abort every unfinished rollout that `begun_by` has begun, and await the end; others' are left alone.

    One that is being promoted, or is on its way back, is only awaited. Raises `ServingFault`
    where nothing serves the root (the order waits for whoever serves it next), or where the
    end does not come in time.
    """
    unfinished = [state for state in list_rollouts(base) if not state.finished and state.by == begun_by]
    for state in unfinished:
        if state.phase not in ENDING:
            say(f"rollout {state.id} of version {state.version} is aborted: {why}")
            _abort(base, state.id, begun_by, why, timeout_s or SETTLE_SECONDS, say)
    if unfinished:
        require_supervisor(base)
    return Ended(tuple(follow(base, s.id, lambda now: now.finished, timeout_s or SETTLE_SECONDS, say) for s in unfinished))


def _abort(base: BasePath, rollout: str, by: str, why: str, timeout_s: float, say: Say) -> None:
    """Order it, after what somebody else ordered first; not at all where the rollout is ending because of that."""
    while True:
        try:
            give_order(base, rollout, "abort", by=by, why=why)
            return
        except OrderWaiting as first:
            require_supervisor(base)
            now = await_taken(base, first, timeout_s, say)
        except Conflict:
            now = read_rollout(base, rollout).state
            if not now.finished and now.phase not in ENDING:
                raise
        if now.finished or now.phase in ENDING:
            return
