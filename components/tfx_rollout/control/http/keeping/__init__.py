"""Answers that are given again as long as nothing changed: many who ask the same cost hardly more than one.

listings   what lies in folders
signs      whether anything changed, from the dates of files
answers    what was answered, as bytes
sameness   what has to be the same for an answer to be given again: a route says it
slot       the place of one request among the kept answers
"""

from tfx_rollout.control.http.keeping.answers import Answer, KeptAnswers
from tfx_rollout.control.http.keeping.sameness import same_while, sameness_of
from tfx_rollout.control.http.keeping.slot import Slot

__all__ = ["Answer", "KeptAnswers", "Slot", "same_while", "sameness_of"]
