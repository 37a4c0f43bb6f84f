"""The plan of a rollout: stages, error bounds, tolerances and what to do when nothing can be decided.

Here are the values that the judge and the controller work with. What a person writes
(YAML or JSON) is checked in `plan_document`, which reports all faults at once.
`docs/plan.md` explains every field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from tfx_rollout.errors import InvalidPlan, NotFound, StorageFault
from tfx_rollout.traffic import Split

BUILT_IN = Path(__file__).parent / "plans"
"""Where the plans that ship with the package are: one YAML file each."""

OnInconclusive = Literal["hold", "ask", "advance", "rollback"]
Promotion = Literal["blessing", "automatic", "approval"]
OnDeadline = Literal["rollback", "promote"]
OnRunning = Literal["refuse", "queue", "supersede"]


@dataclass(frozen=True)
class Stage:
    """One step of the ramp: a share of the traffic, and when it is over. Times in seconds."""

    share: float
    """Share of the traffic on the canary, 0 to 1."""
    bad_odds_ratio: float
    """A canary whose odds of a bad event are this many times those of stable must not pass here."""
    max_failure_rate: float
    """A canary that fails on at least this share of its requests is bad in the absolute sense."""
    min_seconds: float = 120.0
    max_seconds: float = 7200.0
    """After this time without a decision the stage is inconclusive."""
    on_inconclusive: OnInconclusive = "hold"
    approval: bool = False
    """Whether a person has to approve after this stage has passed."""

    @property
    def split(self) -> Split:
        """The split that is in force during this stage."""
        return Split.of(self.share)


@dataclass(frozen=True)
class ErrorTest:
    """How the failures of the two tracks are compared."""

    tolerance: float = 1.25
    """Odds ratio (canary to stable) that is still no regression."""
    weight: float = 0.5
    """Share of the evidence that counts towards a rollback; 0 switches the metric off."""


@dataclass(frozen=True)
class LatencyTest:
    """How the latencies of the two tracks are compared.

    A canary answer is slow when it takes longer than `max(ratio * t, t + slack)`, where `t`
    is a quantile of stable's latencies, frozen before the stage.
    """

    ratio: float = 1.10
    slack_ms: float = 1.0
    settle_seconds: float = 10.0
    """Windows that begin sooner than this after a stage's opening say nothing about latency: caches are cold."""
    weight: float = 0.5
    """As for errors; 0 switches the metric off."""


@dataclass(frozen=True)
class Plan:
    """A whole plan, valid by construction through `plan_from_dict`."""

    name: str
    stages: tuple[Stage, ...]
    alpha: float = 0.05
    """Bound on the chance that a sound canary is rolled back, over all looks, stages and metrics."""
    beta: float = 0.05
    """Bound, stage by stage, on the chance that a bad canary passes."""
    window_seconds: float = 10.0
    waiting_seconds: float = 10.0
    """What started in a window and is not answered this long after its end has failed."""
    min_windows: int = 12
    """A stage passes after no fewer judged windows than this."""
    min_requests: int = 100
    """A stage passes after no fewer requests to the canary than this."""
    errors: ErrorTest = field(default_factory=ErrorTest)
    latency: LatencyTest = field(default_factory=LatencyTest)
    promotion: Promotion = "blessing"
    promotion_deadline_seconds: float = 3600.0
    on_deadline: OnDeadline = "rollback"
    on_running: OnRunning = "refuse"
    keep_previous: bool = True

    def rollback_threshold(self, attempt: int = 0) -> float:
        """The e-value that rolls back, `1/alpha`; it doubles with every retry of the same version."""
        return 2.0**attempt / self.alpha

    def to_json(self) -> dict[str, Any]:
        """The plan as a document that `plan_from_dict` reads back as the same plan."""
        data = asdict(self)
        data["stages"] = list(data["stages"])
        return data


def built_in_plans() -> list[str]:
    """Names of the plans that ship with the package."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def load_plan(path_or_name: str | Path) -> Plan:
    """The plan of this name, or in this YAML or JSON file.

    Anything with a slash or a `.yaml`, `.yml` or `.json` ending is a path. Raises `NotFound` where
    there is neither such a file nor such a name, and `InvalidPlan` with all faults of a document.
    """
    given = Path(path_or_name)
    is_path = len(given.parts) > 1 or given.suffix in {".yaml", ".yml", ".json"}
    if is_path:
        path, what = given, f"Plan {given}"
        if not path.is_file():
            raise NotFound("plan file", path, str(path.absolute().parent), built_in_plans())
    else:
        path, what = BUILT_IN / f"{given}.yaml", f"Plan {given}"
        if not path.is_file():
            raise NotFound("plan", given, "the plans that ship with tfx-rollout", built_in_plans())
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as fault:
        raise StorageFault(str(path), f"cannot be read ({fault.strerror})", "see to its permissions") from fault
    except (yaml.YAMLError, ValueError) as fault:
        sentence = " ".join(str(fault).split())
        raise InvalidPlan(what, [f"the file is not valid {'JSON' if path.suffix == '.json' else 'YAML'} ({sentence})"]) from fault
    return plan_from_dict(document, what=what, name=path.stem)


def plan_from_dict(document: Mapping[str, Any], *, what: str = "The plan", name: str = "unnamed") -> Plan:
    """The plan that a document describes. `InvalidPlan` names every fault, its field, value and mend.

    `what` names the document in that error; `name` is the plan's name where the document gives none.
    """
    from tfx_rollout.rollout.plan_document import read_document  # pydantic is paid for only by those who read a plan

    return read_document(document, what=what, name=name)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a plan document, for editors and for other tools."""
    from tfx_rollout.rollout.plan_document import schema

    return schema()
