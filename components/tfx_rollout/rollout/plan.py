"""The plan of a rollout: stages, error bounds, tolerances and what to do when nothing can be decided.

Here are the values that the judge and the controller work with. What a person writes
(YAML or JSON) is checked in `plan_document`, which reports all faults at once.
`docs/plan.md` explains every field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tfx_rollout.errors import NotFound
from tfx_rollout.rollout.document_file import read_document_file
from tfx_rollout.traffic import Split, Track

BUILT_IN = Path(__file__).parent / "plans"
"""Where the plans that ship with the package are: one YAML file each."""

METRICS = ("errors", "latency", "predictions", "accuracy", "limits")
"""Names of the metrics, in the order in which everything lists them; each is a section of the plan."""

OnInconclusive = Literal["hold", "ask", "advance", "rollback"]
Promotion = Literal["blessing", "automatic", "approval"]
OnDeadline = Literal["rollback", "promote"]
OnRunning = Literal["refuse", "queue", "supersede"]
StageKind = Literal["shadow", "header", "canary", "bake"]
Action = Literal["rollback", "ask"]
Unit = Literal["request", "user"]
PredictionKind = Literal["classes", "numbers"]

HOLD_BACK = 0.05
"""Share that a bake stage leaves to the version before, unless the plan says otherwise."""
BAKE_SECONDS = 600.0
"""How long a bake stage lasts, unless the plan says otherwise."""


@dataclass(frozen=True)
class Stage:
    """One step of the ramp, and when it is over. Times in seconds.

    Kinds, in the order in which a plan may have them:

    - `shadow`: the candidate gets copies of `mirror` of the requests; no client sees its answers.
    - `header`: only those who ask for it by request header reach the candidate. Nothing is judged, time passes.
    - `canary`: the candidate gets `share` of the traffic.
    - `bake`: the candidate gets almost all of it, the old version the small rest, without which there would be
      nothing to compare with. It passes with time, unless something speaks against the candidate.
    """

    share: float
    """Share of the traffic on the canary, 0 to 1; 0 in a `shadow` or `header` stage."""
    bad_odds_ratio: float
    """A canary whose odds of a bad event are this many times those of stable must not pass here."""
    max_failure_rate: float
    """A canary that fails on at least this share of its requests is bad in the absolute sense."""
    kind: StageKind = "canary"
    mirror: float = 0.0
    """Share of the requests that are copied to the candidate, in a `shadow` stage."""
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

    @property
    def track(self) -> Track:
        """The track on which the candidate is judged."""
        return Track.SHADOW if self.kind == "shadow" else Track.CANARY

    def to_json(self) -> dict[str, Any]:
        """The stage as a plan document has it: of `share`, `mirror` and `hold_back` the one that its kind has."""
        data = asdict(self)
        share, mirror = data.pop("share"), data.pop("mirror")
        own = {"canary": {"share": share}, "shadow": {"mirror": mirror}, "bake": {"hold_back": round(1 - share, 4)}}
        return {"kind": data.pop("kind"), **own.get(self.kind, {}), **data}


@dataclass(frozen=True)
class ErrorTest:
    """How the failures of the two tracks are compared."""

    tolerance: float = 1.25
    """Odds ratio (canary to stable) that is still no regression."""
    weight: float = 0.25
    """Weight of the metric among those that count; 0 switches it off."""


@dataclass(frozen=True)
class LatencyTest:
    """How the latencies of the two tracks are compared.

    A canary answer is slow when it takes longer than `max(ratio * t, t + slack)`, where `t`
    is a quantile of stable's latencies, frozen before the stage.
    """

    ratio: float = 1.10
    slack_ms: float = 0.5
    settle_seconds: float = 10.0
    """Windows that begin sooner than this after a stage's opening say nothing about latency: caches are cold."""
    spacing_ms: float = 100.0
    """Of the requests of a track that start within one such stretch of time one alone is compared:
    a server that stalls delays all that it holds, and that is one event, not many."""
    weight: float = 0.25


@dataclass(frozen=True)
class PredictionTest:
    """How the predictions of the two tracks are compared: each class (or tenth of the numbers) up and down."""

    tolerance: float = 1.5
    """Odds ratio of a class that is still no drift, either way."""
    kind: PredictionKind = "classes"
    action: Action = "ask"
    """What drift does: it is different, which need not be worse, so that a person is asked."""
    weight: float = 0.25


@dataclass(frozen=True)
class AccuracyTest:
    """How the shares of wrong predictions are compared, once the labels come."""

    margin: float = 0.01
    """Points of accuracy (0 to 1) that the canary may lose."""
    ages: tuple[float, ...] = (60.0, 300.0, 1800.0, 7200.0)
    """Upper ends of the ages at which labels are taken in, seconds after the end of the prediction's window.
    Later labels do not count."""
    required: bool = False
    """Whether a canary stage waits for labels. Otherwise it does so only once labels have come; a shadow stage never does."""
    weight: float = 0.25


@dataclass(frozen=True)
class Limits:
    """Absolute limits of the service level, tested on the canary alone; None where there is none."""

    failure_rate: float | None = None
    """Most failures per request."""
    p99_ms: float | None = None
    """Milliseconds that at most 1 % of the answers may exceed."""
    throughput_rps: float | None = None
    """Good answers per second of the whole service that it must keep up where clients ask for as much; a
    track owes its share of it."""
    weight: float = 0.25

    @property
    def given(self) -> bool:
        """Whether there is any limit."""
        return (self.failure_rate, self.p99_ms, self.throughput_rps) != (None, None, None)


@dataclass(frozen=True)
class StepBack:
    """How traffic goes back to stable at a rollback: at once, or in steps where stable must warm up first."""

    shares: tuple[float, ...] = ()
    """Shares of the canary on the way back, falling; none to go back at once."""
    step_seconds: float = 30.0


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
    min_windows: int = 8
    """A stage passes after no fewer judged windows than this."""
    min_requests: int = 100
    """A stage passes after no fewer requests to the canary than this."""
    unit: Unit = "request"
    """What is drawn by chance, and hence compared: a request, or a user, where assignment is sticky."""
    unit_header: str | None = None
    """The request header that names the user, where the unit is one."""
    errors: ErrorTest = field(default_factory=ErrorTest)
    latency: LatencyTest = field(default_factory=LatencyTest)
    predictions: PredictionTest = field(default_factory=PredictionTest)
    accuracy: AccuracyTest = field(default_factory=AccuracyTest)
    limits: Limits = field(default_factory=Limits)
    promotion: Promotion = "blessing"
    promotion_deadline_seconds: float = 3600.0
    on_deadline: OnDeadline = "rollback"
    on_running: OnRunning = "refuse"
    keep_previous: bool = True
    step_back: StepBack = field(default_factory=StepBack)

    def rollback_threshold(self, attempt: int = 0) -> float:
        """The e-value that rolls back, `1/alpha`; it doubles with every retry of the same version."""
        return 2.0**attempt / self.alpha

    def weights(self) -> dict[str, float]:
        """The metrics that count and their weights, which add up to 1."""
        given = {name: getattr(self, name).weight for name in METRICS if name != "limits" or self.limits.given}
        total = math.fsum(given.values())
        return {name: weight / total for name, weight in given.items() if weight > 0}

    def to_json(self) -> dict[str, Any]:
        """The plan as a document that `plan_from_dict` reads back as the same plan."""
        data = {**asdict(self), "stages": [stage.to_json() for stage in self.stages]}
        for section, name in (("accuracy", "ages"), ("step_back", "shares")):
            data[section][name] = list(data[section][name])
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
    document = read_document_file(path, what=what)
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
