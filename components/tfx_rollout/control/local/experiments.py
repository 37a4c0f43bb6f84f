"""A/B tests: started, steered, told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tfx_rollout.control.documents import Experiment, ExperimentOrderWanted, Experiments, ExperimentWanted, PlanDocument
from tfx_rollout.control.local.part import Part
from tfx_rollout.control.local.record_tail import RecordTail
from tfx_rollout.experiment.operations import send_experiment_order, start_experiment
from tfx_rollout.experiment.plan import experiment_from_dict
from tfx_rollout.experiment.state import ExperimentState


class ExperimentsPart(Part):
    """The methods of `Control` about A/B tests."""

    def check_experiment(self, document: Mapping[str, Any]) -> PlanDocument:
        plan = experiment_from_dict(document)
        return PlanDocument(name=plan.name, document=plan.to_json())

    def experiments(self, model: str, *, limit: int = 100, offset: int = 0) -> Experiments:
        files = self._root.files(model).experiments
        ids = files.ids()[::-1]
        page = [files.document(experiment) for experiment in ids[offset : offset + limit]]
        return Experiments(model=model, experiments=page, total=len(ids))

    def experiment(self, model: str, experiment: str) -> Experiment:
        return self._root.files(model).experiments.document(experiment)

    def start_experiment(self, model: str, wanted: ExperimentWanted) -> Experiment:
        with self._recorded("start an A/B test", model, why=wanted.why) as say:
            files = self._root.files(model)
            plan = experiment_from_dict(wanted.plan)
            started = start_experiment(files.base, plan, by=self.by, why=wanted.why)
            say(f"A/B test {started} by plan {plan.name}")
        return files.experiments.document(started)

    def order_experiment(
        self, model: str, experiment: str, wanted: ExperimentOrderWanted, *, expected: str | None = None
    ) -> Experiment:
        action = f"order to {wanted.kind}{'' if wanted.variant is None else f' {wanted.variant}'}"
        with self._recorded(action, model, experiment=experiment, why=wanted.why, expected=expected) as say:
            files = self._root.files(model)
            files.experiments.document(experiment)
            sent = send_experiment_order(
                files.base, experiment, wanted.kind, by=self.by, why=wanted.why, variant=wanted.variant, revision=expected
            )
            say(f"order {sent.number} of the A/B test {experiment}")
        return files.experiments.document(experiment)

    def experiment_report(self, model: str, experiment: str) -> dict[str, Any]:
        return self._root.files(model).experiments.report(experiment)

    def follow_experiment(self, model: str, experiment: str) -> Iterator[dict[str, Any]]:
        return self.tail_experiment(model, experiment).follow()

    def tail_experiment(self, model: str, experiment: str) -> RecordTail[ExperimentState]:
        """What `follow_experiment` tells, for who does the waiting himself.

        Verdicts are no lines of their own: a test of weeks has tens of thousands, and the newest has in it all that the ones
        before had.
        """
        files = self._root.files(model).experiments
        return RecordTail(files, files.journal(experiment))
