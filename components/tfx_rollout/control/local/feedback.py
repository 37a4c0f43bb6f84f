"""Feedback: late labels by request id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfx_rollout.control.documents import FeedbackTaken
from tfx_rollout.control.local.part import Part
from tfx_rollout.evidence.feedback import append_feedback


class FeedbackPart(Part):
    """The method of `Control` about feedback."""

    def give_feedback(self, model: str, rows: Iterable[Mapping[str, Any] | str]) -> FeedbackTaken:
        files = self._root.files(model)
        with self._recorded("give feedback", model) as say:
            taken = append_feedback(files.base, rows)
            say(f"{taken.new} new, {taken.known} known before")
        return FeedbackTaken(model=model, new=taken.new, known=taken.known)
