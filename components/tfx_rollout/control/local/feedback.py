"""Feedback: late labels by request id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfx_rollout.audit import DONE
from tfx_rollout.control.documents import FeedbackTaken
from tfx_rollout.control.local.part import Part
from tfx_rollout.evidence.feedback import append_feedback


class FeedbackPart(Part):
    """The method of `Control` about feedback."""

    def give_feedback(self, model: str, rows: Iterable[Mapping[str, Any] | str]) -> FeedbackTaken:
        files = self._root.files(model)
        taken = append_feedback(files.base, rows)
        told = self._root.feedback.add(self.by, model, new=taken.new, known=taken.known)
        if told is not None:
            self._root.audit.record_or_log(self.by, str(self.role), "give feedback", model, DONE, told)
        return FeedbackTaken(model=model, new=taken.new, known=taken.known)
