"""The plan of an A/B test: which versions share the users, by which metric they are judged, and what follows a decision.

Here are the values that judge and controller work with. What a person writes (YAML or JSON) is
checked in `plan_document`, which reports all faults at once. `docs/ab-tests.md` explains every field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from tfx_rollout.errors import NotFound
from tfx_rollout.evidence.metric import Metric
from tfx_rollout.rollout.document_file import read_document_file
from tfx_rollout.traffic import VARIANTS, Split, Track

EXAMPLES = Path(__file__).parent / "examples"
"""Where the plans are that ship with the package to begin from: one YAML file each."""

OnDecision = Literal["hold", "control", "promote"]

MAX_DAYS = 30.0
"""How long a test lasts at most, unless its plan says otherwise."""
SHORTEST_WINDOW = 60.0
"""How long windows are, in seconds, unless the plan says otherwise or feedback is waited for very long."""
WINDOWS_WAITED = 100
"""So many windows at most go by while the feedback of one is waited for, unless the plan says otherwise."""
MOST_WINDOWS_WAITED = 500
"""More of them no plan may ask for: the requests of each are gone through as often."""


@dataclass(frozen=True)
class Variant:
    """One arm of the test beside the live version."""

    version: int
    share: float
    """Share of the users, 0 to 1."""


@dataclass(frozen=True)
class HarmGuard:
    """Stops a variant whose requests fail more often than the live version's, at once and whatever the metric says."""

    alpha: float = 0.01
    """Bound on the chance that any variant is ever stopped that fails no more than tolerated."""
    tolerance: float = 1.25
    """Odds ratio of failing, variant to live version, that is still no harm."""


@dataclass(frozen=True)
class ExperimentPlan:
    """An A/B test as it is asked for. Times in seconds."""

    name: str
    header: str
    """The request header that tells users apart."""
    variants: tuple[Variant, ...]
    metric: Metric
    alpha: float = 0.05
    """Bound on the chance of any false decision, over all looks, variants and both directions."""
    min_units: int = 100
    """Users with a known outcome that an arm and the live version need before the metric decides about it."""
    until: float | None = None
    """When the test ends without a decision, seconds since the epoch; None where `max_days` says it."""
    max_days: float = MAX_DAYS
    """How long it lasts at most, where there is no `until`."""
    window_seconds: float = SHORTEST_WINDOW
    waiting_seconds: float = 5.0
    """A request without an answer after this long has failed."""
    on_decision: OnDecision = "control"
    """What follows a decision: the split stays (`hold`), the live version gets all (`control`), the winner goes live."""
    harm: HarmGuard = field(default_factory=HarmGuard)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The tracks of the variants, in the plan's order."""
        return VARIANTS[: len(self.variants)]

    @property
    def split(self) -> Split:
        """The shares with all variants in the test."""
        return Split.among({track: variant.share for track, variant in zip(self.tracks, self.variants, strict=True)})

    def version_of(self, track: Track) -> int:
        """The version on a variant's track."""
        return self.variants[self.tracks.index(track)].version

    def ends_at(self, created_at: float) -> float:
        """When a test that was asked for at this time ends without a decision (seconds since the epoch)."""
        return created_at + self.max_days * 86_400 if self.until is None else self.until

    def to_json(self) -> dict[str, Any]:
        """The plan as a document that `experiment_from_dict` reads back as the same plan."""
        end: dict[str, Any] = {"max_days": self.max_days}
        if self.until is not None:
            end = {"until": datetime.fromtimestamp(self.until, timezone.utc).isoformat()}
        return {
            "name": self.name,
            "header": self.header,
            "variants": [{"version": variant.version, "share": variant.share} for variant in self.variants],
            "metric": self.metric.to_json(),
            "alpha": self.alpha,
            "min_units": self.min_units,
            **end,
            "window_seconds": self.window_seconds,
            "waiting_seconds": self.waiting_seconds,
            "on_decision": self.on_decision,
            "harm": {"alpha": self.harm.alpha, "tolerance": self.harm.tolerance},
        }


def example_experiment_plans() -> list[str]:
    """Names of the examples that ship with the package."""
    return sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def load_experiment_plan(path_or_name: str | Path) -> ExperimentPlan:
    """The plan in this YAML or JSON file, or the example of this name.

    Anything with a slash or a `.yaml`, `.yml` or `.json` ending is a path. Raises `NotFound` where there is neither such
    a file nor such an example, and `InvalidPlan` with all faults of a document.
    """
    given = Path(path_or_name)
    is_path = len(given.parts) > 1 or given.suffix in {".yaml", ".yml", ".json"}
    path = given if is_path else EXAMPLES / f"{given}.yaml"
    if not path.is_file():
        place = str(path.absolute().parent) if is_path else "the examples that ship with tfx-rollout"
        raise NotFound("plan of an A/B test", given, place, example_experiment_plans())
    what = f"The A/B test {given}"
    return experiment_from_dict(read_document_file(path, what=what), what=what, name=path.stem)


def experiment_from_dict(
    document: Mapping[str, Any], *, what: str = "The plan of the A/B test", name: str = "unnamed"
) -> ExperimentPlan:
    """The plan that a document describes. `InvalidPlan` names every fault, its field, value and mend.

    `what` names the document in that error; `name` is the test's name where the document gives none.
    """
    from tfx_rollout.experiment.plan_document import read_document  # pydantic is paid for only by those who read a plan

    return read_document(document, what=what, name=name)


def experiment_schema() -> dict[str, Any]:
    """The JSON Schema of a plan document, for editors and for other tools."""
    from tfx_rollout.experiment.plan_document import schema

    return schema()
