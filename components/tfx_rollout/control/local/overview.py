"""The root and its models at a glance."""

from __future__ import annotations

from tfx_rollout.control.documents import ModelOverview, Models, Readiness, Whoami
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.part import Part
from tfx_rollout.control.local.version_documents import answering, shares, version_document
from tfx_rollout.control.local.way import differences
from tfx_rollout.errors import NotFound, StorageFault
from tfx_rollout.traffic import FULL, LABEL_OF, WEIGHTED, ObservedState


class Overview(Part):
    """`whoami`, `readiness`, `models`, `model` of `Control`."""

    def whoami(self) -> Whoami:
        return Whoami(name=self.by, role=self.role)

    def readiness(self) -> Readiness:
        reasons = []
        try:
            if self._root.presence.supervisor() is None:
                reasons.append(f"no supervisor serves {self._root.store.root}")
            for name in self._root.store.models():
                reasons += self._unreadable(name)
        except StorageFault as fault:
            reasons.append(str(fault))
        return Readiness(ready=not reasons, reasons=reasons)

    def models(self) -> Models:
        supervisor = self._root.presence.supervisor()
        overviews = []
        for name in self._root.store.models():
            try:
                overviews.append(self._overview(self._root.files(name), served=supervisor is not None))
            except NotFound:
                continue  # it was removed since it was listed
            except StorageFault as fault:
                # What is wrong with one model hides no other.
                overviews.append(_unreadable_overview(name, str(fault)))
        return Models(supervisor=supervisor, models=overviews)

    def model(self, model: str) -> ModelOverview:
        return self._overview(self._root.files(model), served=self._root.presence.supervisor() is not None)

    def _overview(self, files: ModelFiles, *, served: bool) -> ModelOverview:
        desired = files.desired()
        observed = files.observed() if served else None
        found = observed or ObservedState(files.base.name)
        wanting = differences(desired, observed, served=served)
        versions = files.versions()
        rollout, experiment = files.running_rollout(), files.running_experiment()
        return ModelOverview(
            model=files.base.name,
            generation=desired.generation,
            observed_generation=found.generation,
            settled=not wanting and found.generation >= desired.generation and not found.step and found.fault is None,
            step=found.step,
            fault=found.fault,
            cause=desired.cause.why,
            by=desired.cause.by,
            at=desired.cause.at,
            labels={str(label): version for label, version in desired.labels.items()},
            aliases=dict(desired.aliases),
            pinned=list(desired.pinned),
            shares=shares(found.split, answering(found)),
            desired_shares=shares(desired.split, {track: desired.labels.get(LABEL_OF[track]) for track in WEIGHTED}),
            mirror=desired.mirror / FULL,
            sticky_header=None if desired.sticky is None else desired.sticky.header,
            versions=[
                version_document(version, files.manifest(version), desired, observed)
                for version in sorted(versions, reverse=True)
            ],
            differences=wanting,
            rollout=None if rollout is None else files.rollouts.document(rollout.id),
            experiment=None if experiment is None else files.experiments.document(experiment.id),
        )

    def _unreadable(self, name: str) -> list[str]:
        """Why the files of a model cannot be read, if they cannot."""
        try:
            files = self._root.files(name)
            files.desired()
            files.observed()
            list(files.rollouts.unfinished)
        except NotFound:
            return []
        except StorageFault as fault:
            return [str(fault)]
        return []


def _unreadable_overview(name: str, fault: str) -> ModelOverview:
    """A model of which nothing is known but why."""
    return ModelOverview(
        model=name,
        generation=0,
        observed_generation=0,
        settled=False,
        step="",
        fault=fault,
        cause="",
        by="",
        at=0.0,
        labels={},
        aliases={},
        pinned=[],
        shares={},
        desired_shares={},
        mirror=0.0,
        sticky_header=None,
        versions=[],
        differences=[],
        rollout=None,
        experiment=None,
    )
