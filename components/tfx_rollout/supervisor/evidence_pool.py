"""The sources of evidence of all rollouts that run, one set a model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from tfx_rollout.evidence import EvidenceSource, LabelSource
from tfx_rollout.evidence.access_log import KEEP_S, AccessLogSource
from tfx_rollout.evidence.late_labels import FeedbackLabels
from tfx_rollout.evidence.needs import EvidenceNeeds
from tfx_rollout.evidence.prediction_log import PredictionLog, prediction_folder
from tfx_rollout.evidence.source_document import FILE, source_of
from tfx_rollout.model_store import BasePath

SourceMaker = Callable[[EvidenceNeeds], EvidenceSource | None]
"""Makes the source that counts for a rollout with these needs; None for the gateway's access log."""


@dataclass(frozen=True)
class RolloutEvidence:
    """What one rollout is judged by."""

    source: EvidenceSource
    labels: LabelSource | None
    """None where the plan wants none."""


class EvidencePool:
    """Opens sources for rollouts, keeps them while these run, and frees what is not needed any more.

    `folder` has the gateway's access logs. `new_source` plugs another source of counts in
    (see `EvidenceSource`); without it the root's `evidence.yaml` may name one. Late labels are
    joined with the access log all the same.
    """

    def __init__(self, folder: Path, *, new_source: SourceMaker | None = None) -> None:
        self._folder, self._new_source = folder, new_source
        self._opened: dict[str, _Opened] = {}

    def of(self, base: BasePath, needs: EvidenceNeeds) -> RolloutEvidence:
        """The evidence for these needs: the same object while only time goes on, or stages open.

        Raises `InvalidInput` where `evidence.yaml` is not valid.
        """
        opened = self._opened.get(needs.model)
        if opened is None or opened.settings != _settings(needs):
            opened = self._opened[needs.model] = self._open(base, needs)
        opened.requests.set_stages(needs.stages)
        return opened.evidence

    def retain(self, needs: Collection[EvidenceNeeds]) -> None:
        """Frees what none of these needs."""
        wanted = {need.model: need for need in needs}
        for model in list(self._opened):
            if model not in wanted:
                del self._opened[model]
            else:
                self._opened[model].forget(wanted[model].keep_from)

    def _open(self, base: BasePath, needs: EvidenceNeeds) -> _Opened:
        predictions = None
        if needs.candidate is not None:
            predictions = PredictionLog(
                prediction_folder(base.store),
                model=needs.model,
                candidate=needs.candidate,
                since=needs.read_from,
                waiting_s=needs.waiting_s,
            )
        requests = AccessLogSource(
            self._folder,
            waiting_s=needs.waiting_s,
            spacing_s=needs.spacing_s,
            unit=needs.unit,
            model=needs.model,
            since=needs.read_from,
            keep_s=KEEP_S + 2 * (needs.window_s + needs.waiting_s) + max(needs.label_ages, default=0.0),
            predictions=predictions,
        )
        labels = FeedbackLabels(base, requests, predictions, since=needs.keep_from) if needs.label_ages else None
        evidence = RolloutEvidence(self._other_source(base, needs) or requests, labels)
        return _Opened(_settings(needs), requests, labels, evidence)

    def _other_source(self, base: BasePath, needs: EvidenceNeeds) -> EvidenceSource | None:
        if self._new_source is not None:
            return self._new_source(needs)
        return source_of(base.store.root / FILE, needs)


@dataclass(frozen=True)
class _Opened:
    settings: EvidenceNeeds
    requests: AccessLogSource
    labels: FeedbackLabels | None
    evidence: RolloutEvidence

    def forget(self, before: float) -> None:
        self.requests.forget(before)
        if self.labels is not None:
            self.labels.forget(before)


def _settings(needs: EvidenceNeeds) -> EvidenceNeeds:
    """What of the needs does not change while a rollout runs."""
    return replace(needs, judged_until=0.0, stages=())
