"""Plans as people write them (YAML or JSON): the document's fields, its JSON Schema, and the way to a `Plan`.

Defaults are those of the values in `plan`. What a field alone cannot tell is checked in `plan_faults`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.rollout import plan_faults
from tfx_rollout.rollout.plan import (
    BAKE_SECONDS,
    HOLD_BACK,
    AccuracyTest,
    Action,
    ErrorTest,
    LatencyTest,
    Limits,
    OnDeadline,
    OnInconclusive,
    OnRunning,
    Plan,
    PredictionKind,
    PredictionTest,
    Promotion,
    Stage,
    StageKind,
    StepBack,
    Unit,
)
from tfx_rollout.traffic import FULL

BAD_ODDS_RATIOS = ((0.01, 10.0), (0.05, 4.0), (0.25, 2.0), (0.50, 1.5))
"""Default `bad_odds_ratio` by share: the less a stage exposes, the coarser it may look."""
MAX_FAILURE_RATES = ((0.01, 0.03), (0.05, 0.01))
"""Default `max_failure_rate` by share, for the same reason: a clean canary shows the finer one with about 300 requests."""

_LONGEST = 30 * 86_400
_LEAST_SHARE = 1 / FULL
Probability = Annotated[float, Field(gt=0, lt=1, examples=[0.05])]
Seconds = Annotated[float, Field(gt=0, le=_LONGEST, examples=[120])]
SecondsOrNone = Annotated[float, Field(ge=0, le=_LONGEST, examples=[120])]
Share = Annotated[float, Field(ge=_LEAST_SHARE, le=1 - _LEAST_SHARE, examples=[0.1])]
Weight = Annotated[float, Field(ge=0, le=1000, examples=[0.5])]
_WEIGHT = "Weight of this metric's evidence among the others'; 0 switches it off."


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StageDocument(_Section):
    """One step of the ramp."""

    kind: StageKind = Field(
        Stage.kind,
        description="shadow: the candidate gets copies of requests; header: it answers those alone who ask for it by the "
        "request header; canary: it gets a share of the traffic; bake: it gets all but a small rest. In this order.",
    )
    share: Share | None = Field(
        None, description="Share of the traffic on a canary, in steps of 0.01 %; must grow from stage to stage."
    )
    mirror: Annotated[float, Field(ge=_LEAST_SHARE, le=1, examples=[0.5])] | None = Field(
        None, description="Share of the requests that a shadow stage copies to the candidate. By default all."
    )
    hold_back: Annotated[float, Field(ge=_LEAST_SHARE, le=0.5, examples=[HOLD_BACK])] | None = Field(
        None, description=f"Share that a bake stage leaves to the version before, to compare with. By default {HOLD_BACK:g}."
    )
    min_seconds: SecondsOrNone | None = Field(
        None,
        description=f"The stage passes no earlier than this. By default {Stage.min_seconds:g}, in a bake stage {BAKE_SECONDS:g}.",
    )
    max_seconds: Seconds = Field(Stage.max_seconds, description="Without a decision by then the stage is inconclusive.")
    on_inconclusive: OnInconclusive = Field(Stage.on_inconclusive, description="What happens to an inconclusive stage.")
    approval: bool = Field(Stage.approval, description="Whether a person has to approve after the stage has passed.")
    bad_odds_ratio: Annotated[float, Field(gt=1, le=1000, examples=[2])] | None = Field(
        None, description="A canary this many times worse than stable (odds) must not pass. By default chosen by the share."
    )
    max_failure_rate: Probability | None = Field(None, description="By default the plan's.")


class ErrorsDocument(_Section):
    """How failures are compared."""

    tolerance: Annotated[float, Field(ge=1, le=10, examples=[1.25])] = Field(
        ErrorTest.tolerance, description="Odds ratio of failing, canary to stable, that is still no regression."
    )
    weight: Weight = Field(ErrorTest.weight, description=_WEIGHT)


class LatencyDocument(_Section):
    """How latencies are compared."""

    ratio: Annotated[float, Field(ge=1, le=10, examples=[1.1])] = Field(
        LatencyTest.ratio, description="The canary may take this many times as long as stable."
    )
    slack_ms: Annotated[float, Field(ge=0, le=60_000, examples=[1])] = Field(
        LatencyTest.slack_ms, description="The canary may in any case take this many milliseconds longer than stable."
    )
    settle_seconds: Annotated[float, Field(ge=0, le=3600, examples=[10])] = Field(
        LatencyTest.settle_seconds,
        description="Windows that begin sooner than this after a stage's opening do not count for latency.",
    )
    spacing_ms: Annotated[float, Field(ge=0, le=60_000, examples=[100])] = Field(
        LatencyTest.spacing_ms,
        description="Of the requests of a track that start within such a stretch of time one alone counts, "
        "so that a stall is one event.",
    )
    weight: Weight = Field(LatencyTest.weight, description=_WEIGHT)


class PredictionsDocument(_Section):
    """How predictions are compared."""

    tolerance: Annotated[float, Field(ge=1, le=10, examples=[1.5])] = Field(
        PredictionTest.tolerance, description="Odds ratio of a class, or a tenth of the numbers, that is still no drift."
    )
    kind: PredictionKind = Field(PredictionTest.kind, description="What the predictions are.")
    action: Action = Field(PredictionTest.action, description="What happens when the predictions drift.")
    weight: Weight = Field(PredictionTest.weight, description=_WEIGHT)


class AccuracyDocument(_Section):
    """How wrong predictions are compared, once labels come."""

    margin: Annotated[float, Field(ge=0, lt=0.5, examples=[0.01])] = Field(
        AccuracyTest.margin, description="Accuracy, as a share of all predictions, that the canary may lose."
    )
    ages: Annotated[list[Seconds], Field(min_length=1, max_length=16, examples=[[60, 3600]])] = Field(
        list(AccuracyTest.ages),
        description="Ages at which labels are taken in, seconds after the prediction; later ones do not count.",
    )
    required: bool = Field(
        AccuracyTest.required, description="Whether a canary stage waits for labels. Otherwise only once labels have come."
    )
    weight: Weight = Field(AccuracyTest.weight, description=_WEIGHT)


class LimitsDocument(_Section):
    """Absolute limits, tested on the canary alone."""

    failure_rate: Probability | None = Field(None, description="Most failures per request.")
    p99_ms: Annotated[float, Field(gt=0, le=3_600_000, examples=[100])] | None = Field(
        None, description="Milliseconds that at most 1 % of the answers may exceed."
    )
    throughput_rps: Annotated[float, Field(gt=0, le=1e9, examples=[100])] | None = Field(
        None, description="Good answers per second that the whole service must keep up; a track owes its share of them."
    )
    weight: Weight = Field(Limits.weight, description=f"{_WEIGHT} Counts only where there is a limit.")


class StepBackDocument(_Section):
    """The way back at a rollback, where stable must warm up first."""

    shares: Annotated[list[Share], Field(max_length=32, examples=[[0.5, 0.2]])] = Field(
        list(StepBack.shares), description="Shares of the canary on the way back, falling; none to go back at once."
    )
    step_seconds: Seconds = Field(StepBack.step_seconds, description="How long each of these shares is held.")


class PlanDocument(_Section):
    """A plan for the staged rollout of a model version."""

    name: Annotated[str, Field(min_length=1, max_length=64, examples=["nightly"])] | None = Field(
        None, description="By default the name of the file."
    )
    stages: Annotated[list[StageDocument], Field(min_length=1, max_length=32)] = Field(description="The ramp, in order.")
    alpha: Probability = Field(Plan.alpha, description="Bound on the chance that a sound canary is ever rolled back.")
    beta: Probability = Field(Plan.beta, description="Bound on the chance that a bad canary passes a stage.")
    window_seconds: Annotated[float, Field(ge=1, le=3600, examples=[10])] = Field(
        Plan.window_seconds, description="Length of a window."
    )
    waiting_seconds: Annotated[float, Field(ge=0, le=3600, examples=[10])] = Field(
        Plan.waiting_seconds, description="What is unanswered this long after its window has failed."
    )
    max_failure_rate: Probability | None = Field(
        None,
        description="A canary that fails on this share of its requests or more is bad in the absolute sense. "
        "By default chosen by each stage's share.",
    )
    min_windows: Annotated[int, Field(ge=2, le=100_000, examples=[12])] = Field(
        Plan.min_windows, description="Windows a stage needs at least."
    )
    min_requests: Annotated[int, Field(ge=1, le=1_000_000_000, examples=[100])] = Field(
        Plan.min_requests, description="Requests to the canary that a stage needs at least."
    )
    unit: Unit = Field(Plan.unit, description="What is drawn by chance, and compared: each request, or each user (sticky).")
    unit_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["x-user-id"])] | None = Field(
        Plan.unit_header, description="The request header that names the user, where the unit is one."
    )
    errors: ErrorsDocument = Field(default_factory=ErrorsDocument)
    latency: LatencyDocument = Field(default_factory=LatencyDocument)
    predictions: PredictionsDocument = Field(default_factory=PredictionsDocument)
    accuracy: AccuracyDocument = Field(default_factory=AccuracyDocument)
    limits: LimitsDocument = Field(default_factory=LimitsDocument)
    promotion: Promotion = Field(Plan.promotion, description="Who promotes after the last stage has passed.")
    promotion_deadline_seconds: Seconds = Field(
        Plan.promotion_deadline_seconds, description="How long a passed canary waits for that."
    )
    on_deadline: OnDeadline = Field(Plan.on_deadline, description="What happens when nobody has decided by then.")
    on_running: OnRunning = Field(Plan.on_running, description="What a rollout does that finds another one of its model running.")
    keep_previous: bool = Field(Plan.keep_previous, description="Whether the version before stays loaded after a promotion.")
    step_back: StepBackDocument = Field(default_factory=StepBackDocument)


def schema() -> dict[str, Any]:
    """The JSON Schema of a plan document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanDocument.model_json_schema()}


def default_bad_odds_ratio(share: float) -> float:
    """The stage's relative margin by its share: `BAD_ODDS_RATIOS`."""
    return round(_by_share(BAD_ODDS_RATIOS, share), 2)


def default_max_failure_rate(share: float) -> float:
    """The stage's absolute margin by its share: `MAX_FAILURE_RATES`."""
    return round(_by_share(MAX_FAILURE_RATES, share), 4)


def read_document(document: object, *, what: str, name: str) -> Plan:
    """The plan in a document, or `InvalidPlan` with all its faults."""
    if not isinstance(document, Mapping):
        shown = plan_faults.shown(document)
        raise InvalidPlan(what, [f"it is {shown}, but must be a mapping of fields such as 'stages' and 'alpha'"])
    faults: list[str] = []
    parsed: PlanDocument | None = None
    try:
        parsed = PlanDocument.model_validate(dict(document))
    except ValidationError as error:
        faults += [plan_faults.sentence(PlanDocument, e) for e in error.errors(include_url=False)]
    faults += plan_faults.between_fields(document)
    if faults or parsed is None:
        raise InvalidPlan(what, faults)
    return _plan(parsed, name)


def _plan(document: PlanDocument, name: str) -> Plan:
    sections = {"errors", "latency", "predictions", "accuracy", "limits", "step_back"}
    rest = document.model_dump(exclude={"name", "stages", "max_failure_rate", *sections})
    return Plan(
        name=document.name or name,
        stages=tuple(_stage(stage, document.max_failure_rate) for stage in document.stages),
        errors=ErrorTest(**document.errors.model_dump()),
        latency=LatencyTest(**document.latency.model_dump()),
        predictions=PredictionTest(**document.predictions.model_dump()),
        accuracy=AccuracyTest(**{**document.accuracy.model_dump(), "ages": tuple(document.accuracy.ages)}),
        limits=Limits(**document.limits.model_dump()),
        step_back=StepBack(tuple(document.step_back.shares), document.step_back.step_seconds),
        **rest,
    )


def _stage(stage: StageDocument, max_failure_rate: float | None) -> Stage:
    share, mirror = stage.share or 0.0, 0.0
    if stage.kind == "shadow":
        mirror = 1.0 if stage.mirror is None else stage.mirror
    if stage.kind == "bake":
        share = round(1 - (stage.hold_back or HOLD_BACK), 4)
    usual = BAKE_SECONDS if stage.kind == "bake" else Stage.min_seconds
    return Stage(
        share=share,
        bad_odds_ratio=stage.bad_odds_ratio or default_bad_odds_ratio(share),
        max_failure_rate=stage.max_failure_rate or max_failure_rate or default_max_failure_rate(share),
        kind=stage.kind,
        mirror=mirror,
        min_seconds=usual if stage.min_seconds is None else stage.min_seconds,
        max_seconds=stage.max_seconds,
        on_inconclusive=stage.on_inconclusive,
        approval=stage.approval,
    )


def _by_share(points: tuple[tuple[float, float], ...], share: float) -> float:
    """A margin from a table by share, interpolated on logarithmic scales, and constant beyond the table's ends."""
    if share <= points[0][0]:
        return points[0][1]
    for (low, coarse), (high, fine) in pairwise(points):
        if share <= high:
            return coarse * (fine / coarse) ** (math.log(share / low) / math.log(high / low))
    return points[-1][1]
