"""Everything that can be asked of a root: what the command, the API and the page have in common.

Two implementations: `local.LocalControl` on the files of a root, `remote.RemoteControl` by the
API. Both give the same documents and raise the same errors (`tfx_rollout.errors`): `NotFound`,
`InvalidInput`, `Conflict` and its kinds, `StorageFault`; a remote one also `ApiFault`. Who asks
is fixed when a `Control` is made; every change is recorded with that name.

Changes that take `expected` are conditional: `StaleGeneration` or `StaleRevision` (both are
`Conflict`) when the generation or revision is no longer this one. None takes what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from tfx_rollout.control.documents import (
    AuditTrail,
    Change,
    Configuration,
    ConfigurationWanted,
    Experiment,
    ExperimentOrderWanted,
    Experiments,
    ExperimentWanted,
    FeedbackTaken,
    History,
    ModelOverview,
    Models,
    Order,
    OrderWanted,
    PlanDocument,
    Plans,
    Readiness,
    Rollout,
    Rollouts,
    RolloutWanted,
    Token,
    TokenCreated,
    Tokens,
    TokenWanted,
    Traffic,
    Version,
    Versions,
    Whoami,
)


class Control(Protocol):
    """See the module. Times are seconds since the epoch."""

    # The root

    def whoami(self) -> Whoami: ...
    def readiness(self) -> Readiness: ...
    def models(self) -> Models: ...
    def model(self, model: str) -> ModelOverview: ...

    # Versions

    def versions(self, model: str) -> Versions: ...
    def version(self, model: str, version: int) -> Version: ...

    def load(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Hold a version loaded on the primary server until the next promotion. No traffic moves."""

    def unload(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Hold it no more. `Conflict` where a label, an alias or a pin needs it."""

    def pin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Hold it loaded whatever rollouts do, until it is unpinned."""

    def unpin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Let it go: it is unloaded unless a label or an alias needs it."""

    def set_alias(
        self, model: str, alias: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False
    ) -> Change:
        """Let a label of the operator's own name this version."""

    def remove_alias(self, model: str, alias: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Take such a label away. `NotFound` where there is none."""

    def retire(self, model: str, version: int, *, why: str) -> Version:
        """Remove a version for good; returns it as it was. `Conflict` where anything uses it."""

    # Configuration

    def configuration(self, model: str) -> Configuration: ...

    def configure(self, model: str, wanted: ConfigurationWanted, *, expected: int | None = None, dry_run: bool = False) -> Change:
        """Change the desired state, or say what the change would do. `RolloutInProgress` (or the like) while one runs whose
        traffic the change would move."""

    def roll_back(self, model: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        """Make the version before the live one live again, at once."""

    def history(self, model: str, *, limit: int = 100, offset: int = 0) -> History: ...

    # Rollouts

    def plans(self) -> Plans: ...
    def plan(self, name: str) -> PlanDocument: ...

    def check_plan(self, document: Mapping[str, Any]) -> PlanDocument:
        """The plan with its defaults. `InvalidPlan` with all faults."""

    def rollouts(self, model: str, *, limit: int = 100, offset: int = 0) -> Rollouts: ...
    def rollout(self, model: str, rollout: str) -> Rollout: ...
    def start_rollout(self, model: str, wanted: RolloutWanted) -> Rollout: ...

    def order(self, model: str, rollout: str, wanted: OrderWanted, *, expected: str | None = None) -> Order:
        """`Conflict` where the phase knows no such order, or another order waits to be taken up."""

    def rollout_report(self, model: str, rollout: str) -> dict[str, Any]:
        """See `rollout.report.build_report`."""

    def follow_rollout(self, model: str, rollout: str) -> Iterator[dict[str, Any]]:
        """What happens, from its first event to its end; blocks for the next.

        Each is `{"type": …, …}`: an `event` as in `events.jsonl`, a `verdict` with its `window` and `verdict`, after
        them a `state` (`Rollout`), and last, when it has ended, the `report`.
        """

    # A/B tests

    def check_experiment(self, document: Mapping[str, Any]) -> PlanDocument: ...
    def experiments(self, model: str, *, limit: int = 100, offset: int = 0) -> Experiments: ...
    def experiment(self, model: str, experiment: str) -> Experiment: ...
    def start_experiment(self, model: str, wanted: ExperimentWanted) -> Experiment: ...
    def order_experiment(
        self, model: str, experiment: str, wanted: ExperimentOrderWanted, *, expected: str | None = None
    ) -> Experiment: ...
    def experiment_report(self, model: str, experiment: str) -> dict[str, Any]:
        """See `experiment.report.build_experiment_report`."""

    def follow_experiment(self, model: str, experiment: str) -> Iterator[dict[str, Any]]:
        """What happens, from its first event to its end; blocks for the next.

        Each is `{"type": …, …}`: an `event` as in `events.jsonl`, a `state` (`Experiment`) whenever it stands differently, and
        last, when it has ended, the `report`.
        """

    # Metrics and feedback

    def traffic(
        self, model: str, *, since: float | None = None, until: float | None = None, step: float | None = None
    ) -> Traffic:
        """Metrics per track and version; by default of the last 15 minutes, in a step that gives about a hundred points."""

    def give_feedback(self, model: str, rows: Iterable[Mapping[str, Any] | str]) -> FeedbackTaken:
        """Take rows in, all or none. `InvalidInput` names every faulty row."""

    # Access

    def tokens(self) -> Tokens: ...
    def create_token(self, wanted: TokenWanted) -> TokenCreated: ...
    def revoke_token(self, name: str) -> Token: ...
    def audit(self, *, limit: int = 100, offset: int = 0) -> AuditTrail: ...
