"""Reading a plan as a person wrote it: every fault at once, each with field, value and mend."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.rollout.plan import (
    ErrorTest,
    LatencyTest,
    OnDeadline,
    OnInconclusive,
    OnRunning,
    Plan,
    Promotion,
    Stage,
)
from tfx_rollout.traffic import FULL

BAD_ODDS_RATIOS = ((0.01, 10.0), (0.05, 4.0), (0.25, 2.0), (0.50, 1.5))
"""Default `bad_odds_ratio` by share: the less a stage exposes, the coarser it may look."""

Probability = Annotated[float, Field(gt=0, lt=1, examples=[0.05])]
Seconds = Annotated[float, Field(gt=0, le=30 * 86_400, examples=[120])]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class StageDocument(_Section):
    """One step of the ramp."""

    share: Annotated[float, Field(ge=1 / FULL, le=1 - 1 / FULL, examples=[0.1])] = Field(
        description="Share of the traffic on the canary, in steps of 0.01 %; must grow from stage to stage."
    )
    min_seconds: Annotated[float, Field(ge=0, le=30 * 86_400, examples=[120])] = Field(
        120.0, description="The stage passes no earlier than this."
    )
    max_seconds: Seconds = Field(7200.0, description="Without a decision by then the stage is inconclusive.")
    on_inconclusive: OnInconclusive = Field("hold", description="What happens to an inconclusive stage.")
    approval: bool = Field(False, description="Whether a person has to approve after the stage has passed.")
    bad_odds_ratio: Annotated[float, Field(gt=1, le=1000, examples=[2])] | None = Field(
        None, description="A canary this many times worse than stable (odds) must not pass. By default chosen by the share."
    )
    max_failure_rate: Probability | None = Field(None, description="By default the plan's.")


class ErrorsDocument(_Section):
    """How failures are compared."""

    tolerance: Annotated[float, Field(ge=1, le=10, examples=[1.25])] = Field(
        1.25, description="Odds ratio of failing, canary to stable, that is still no regression."
    )
    weight: Annotated[float, Field(ge=0, le=1, examples=[0.5])] = Field(0.5, description="Weight of this metric's evidence.")


class LatencyDocument(_Section):
    """How latencies are compared."""

    ratio: Annotated[float, Field(ge=1, le=10, examples=[1.1])] = Field(
        1.10, description="The canary may take this many times as long as stable."
    )
    slack_ms: Annotated[float, Field(ge=0, le=60_000, examples=[1])] = Field(
        1.0, description="The canary may in any case take this many milliseconds longer than stable."
    )
    settle_seconds: Annotated[float, Field(ge=0, le=3600, examples=[10])] = Field(
        10.0, description="Windows that begin sooner than this after a stage's opening do not count for latency."
    )
    weight: Annotated[float, Field(ge=0, le=1, examples=[0.5])] = Field(0.5, description="Weight of this metric's evidence.")


class PlanDocument(_Section):
    """A plan for the staged rollout of a model version."""

    name: Annotated[str, Field(min_length=1, max_length=64, examples=["nightly"])] | None = Field(
        None, description="By default the name of the file."
    )
    stages: Annotated[list[StageDocument], Field(min_length=1, max_length=32)] = Field(description="The ramp, in order.")
    alpha: Probability = Field(0.05, description="Bound on the chance that a sound canary is ever rolled back.")
    beta: Probability = Field(0.05, description="Bound on the chance that a bad canary passes a stage.")
    window_seconds: Annotated[float, Field(ge=1, le=3600, examples=[10])] = Field(10.0, description="Length of a window.")
    waiting_seconds: Annotated[float, Field(ge=0, le=3600, examples=[10])] = Field(
        10.0, description="What is unanswered this long after its window has failed."
    )
    max_failure_rate: Probability = Field(
        0.01, description="A canary that fails on this share of its requests or more is bad in the absolute sense."
    )
    min_windows: Annotated[int, Field(ge=2, le=100_000, examples=[12])] = Field(12, description="Windows a stage needs at least.")
    min_requests: Annotated[int, Field(ge=1, le=1_000_000_000, examples=[100])] = Field(
        100, description="Requests to the canary that a stage needs at least."
    )
    errors: ErrorsDocument = Field(default_factory=ErrorsDocument)
    latency: LatencyDocument = Field(default_factory=LatencyDocument)
    promotion: Promotion = Field("blessing", description="Who promotes after the last stage has passed.")
    promotion_deadline_seconds: Seconds = Field(3600.0, description="How long a passed canary waits for that.")
    on_deadline: OnDeadline = Field("rollback", description="What happens when nobody has decided by then.")
    on_running: OnRunning = Field("refuse", description="What a rollout does that finds another one of its model running.")
    keep_previous: bool = Field(True, description="Whether the version before stays loaded after a promotion.")


def schema() -> dict[str, Any]:
    """The JSON Schema of a plan document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **PlanDocument.model_json_schema()}


def default_bad_odds_ratio(share: float) -> float:
    """The stage's margin by its share: `BAD_ODDS_RATIOS`, interpolated on logarithmic scales between them."""
    points = BAD_ODDS_RATIOS
    if share <= points[0][0]:
        return points[0][1]
    for (low, coarse), (high, fine) in pairwise(points):
        if share <= high:
            part = math.log(share / low) / math.log(high / low)
            return round(coarse * (fine / coarse) ** part, 2)
    return points[-1][1]


def read_document(document: object, *, what: str, name: str) -> Plan:
    """The plan in a document, or `InvalidPlan` with all its faults."""
    if not isinstance(document, Mapping):
        raise InvalidPlan(what, [f"it is {_shown(document)}, but must be a mapping of fields such as 'stages' and 'alpha'"])
    faults: list[str] = []
    parsed: PlanDocument | None = None
    try:
        parsed = PlanDocument.model_validate(dict(document))
    except ValidationError as error:
        faults += [_sentence(e) for e in error.errors(include_url=False)]
    faults += _faults_between_fields(document)
    if faults or parsed is None:
        raise InvalidPlan(what, faults)
    return _plan(parsed, name)


def _plan(document: PlanDocument, name: str) -> Plan:
    stages = tuple(
        Stage(
            share=stage.share,
            bad_odds_ratio=stage.bad_odds_ratio or default_bad_odds_ratio(stage.share),
            max_failure_rate=stage.max_failure_rate or document.max_failure_rate,
            min_seconds=stage.min_seconds,
            max_seconds=stage.max_seconds,
            on_inconclusive=stage.on_inconclusive,
            approval=stage.approval,
        )
        for stage in document.stages
    )
    rest = document.model_dump(exclude={"name", "stages", "errors", "latency", "max_failure_rate"})
    return Plan(
        name=document.name or name,
        stages=stages,
        errors=ErrorTest(**document.errors.model_dump()),
        latency=LatencyTest(**document.latency.model_dump()),
        **rest,
    )


def _faults_between_fields(document: Mapping[Any, Any]) -> list[str]:
    """Faults that no field has alone. Reads the raw document, so that they show beside the others."""
    faults = []
    stages = document.get("stages")
    stages = [s for s in stages if isinstance(s, Mapping)] if isinstance(stages, list) else []
    for i, (before, stage) in enumerate(pairwise(stages), start=1):
        low, high = before.get("share"), stage.get("share")
        if _is_number(low) and _is_number(high) and round(high * FULL) <= round(low * FULL):
            faults.append(
                f"stages[{i}].share is {high}, not more than the {low} of the stage before; shares must grow by 0.01 % or more"
            )
    for i, stage in enumerate(stages):
        least, most = stage.get("min_seconds", 120.0), stage.get("max_seconds", 7200.0)
        if _is_number(least) and _is_number(most) and least >= most:
            faults.append(
                f"stages[{i}].min_seconds is {least}, not less than its max_seconds {most}; lower the one or raise the other"
            )
    sections = [document.get(metric, {}) for metric in ("errors", "latency")]
    weights = [s.get("weight", 0.5) for s in sections if isinstance(s, Mapping)]
    if len(weights) == 2 and all(_is_number(w) and w >= 0 for w in weights) and not math.isclose(sum(weights), 1, abs_tol=1e-9):
        faults.append(
            f"errors.weight and latency.weight are {weights[0]} and {weights[1]}, but must add up to 1; "
            "give 0 to a metric that shall not count"
        )
    return faults


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _sentence(error: Mapping[str, Any]) -> str:
    """One fault as `field is value; what it must be`."""
    place, kind, ctx = error["loc"], error["type"], error.get("ctx", {})
    path = _path(place)
    if kind == "extra_forbidden":
        known = _known_fields(place)
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        mend = f"did you mean {near[0]!r}?" if near else f"remove it, or use one of {', '.join(known)}"
        return f"{path} is an unknown key; {mend}"
    if kind == "missing":
        return f"{path} is missing; add it"
    must = {
        "greater_than": lambda: f"must be greater than {ctx['gt']:g}",
        "greater_than_equal": lambda: f"must be at least {ctx['ge']:g}",
        "less_than": lambda: f"must be less than {ctx['lt']:g}",
        "less_than_equal": lambda: f"must be at most {ctx['le']:g}",
        "literal_error": lambda: f"must be {ctx['expected']}",
        "too_short": lambda: f"must have at least {ctx['min_length']} entry",
        "too_long": lambda: f"must have at most {ctx['max_length']} entries",
        "float_type": lambda: "must be a plain number, without quotes, unit or percent sign",
        "int_type": lambda: "must be a whole number",
        "bool_type": lambda: "must be true or false",
        "finite_number": lambda: "must be a finite number",
        "list_type": lambda: "must be a list",
        "model_type": lambda: "must be a mapping of fields",
    }.get(kind, lambda: error["msg"][0].lower() + error["msg"][1:])()
    examples = _examples(place)
    return f"{path} is {_shown(error['input'])}, but {must}" + (f"; give {examples[0]!r}, say" if examples else "")


def _section_of(place: Sequence[str | int]) -> type[BaseModel]:
    heads: dict[str | int, type[BaseModel]] = {"stages": StageDocument, "errors": ErrorsDocument, "latency": LatencyDocument}
    return heads.get(place[0], PlanDocument) if len(place) > 1 else PlanDocument


def _known_fields(place: Sequence[str | int]) -> list[str]:
    return list(_section_of(place).model_fields)


def _examples(place: Sequence[str | int]) -> list[Any]:
    definition = schema()
    section = _section_of(place)
    fields = (definition if section is PlanDocument else definition["$defs"][section.__name__])["properties"]
    described = fields.get(str(place[-1]), {})
    alternatives = [described, *described.get("anyOf", [])]
    return next((found["examples"] for found in alternatives if "examples" in found), [])


def _path(place: Sequence[str | int]) -> str:
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _shown(value: object) -> str:
    shown = "nothing" if value is None else repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
