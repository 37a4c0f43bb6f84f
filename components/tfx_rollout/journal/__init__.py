"""Journals: what is recorded of a thing that goes through phases and takes orders. Rollouts and A/B tests have one each."""

from tfx_rollout.journal.refusal import Refusal

__all__ = ["Refusal"]
