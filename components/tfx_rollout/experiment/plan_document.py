"""Plans of A/B tests as people write them (YAML or JSON): the document's fields, its JSON Schema, and the way to a plan.

Defaults are those of the values in `plan`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timezone
from typing import Annotated, Any, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.evidence.metric import CORRECT, Better, Metric, MetricKind
from tfx_rollout.experiment.plan import (
    MAX_DAYS,
    MOST_WINDOWS_WAITED,
    SHORTEST_WINDOW,
    WINDOWS_WAITED,
    ExperimentPlan,
    HarmGuard,
    OnDecision,
    Variant,
)
from tfx_rollout.rollout import plan_faults
from tfx_rollout.rollout.plan_faults import shown
from tfx_rollout.traffic import FULL, VARIANTS

_LEAST_SHARE = 1 / FULL
_LONGEST_WAIT = 7 * 86_400
Probability = Annotated[float, Field(gt=0, lt=1, examples=[0.05])]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class VariantDocument(_Section):
    """One arm beside the live version."""

    version: Annotated[int, Field(ge=1, examples=[2])] = Field(description="The version that answers this arm's users.")
    share: Annotated[float, Field(ge=_LEAST_SHARE, le=1 - _LEAST_SHARE, examples=[0.5])] = Field(
        description="Share of the users, in steps of 0.01 %. The live version keeps what the variants leave."
    )


class MetricDocument(_Section):
    """What the test is judged by."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["conversion"])] = Field(
        description="The name that rows of feedback have for `metric`; `correct` for rows that say right or wrong."
    )
    kind: MetricKind = Field(
        description="event: happens or not, and no feedback means not (a conversion); binary: true or false, and no "
        "feedback means unknown; number: a value between low and high, and no feedback means unknown."
    )
    better: Better = Field(Metric.better, description="Which way is better.")
    within_seconds: Annotated[float, Field(gt=0, le=_LONGEST_WAIT, examples=[3600])] = Field(
        description="How long after a user's first request feedback about it counts; at most 7 days."
    )
    low: Annotated[float, Field(examples=[1])] | None = Field(None, description="The least value of a number.")
    high: Annotated[float, Field(examples=[5])] | None = Field(None, description="The largest value of a number.")


class HarmDocument(_Section):
    """What stops a variant at once, whatever the metric says."""

    alpha: Probability = Field(
        HarmGuard.alpha, description="Bound on the chance that any variant is ever stopped that fails no more than tolerated."
    )
    tolerance: Annotated[float, Field(ge=1, le=10, examples=[1.25])] = Field(
        HarmGuard.tolerance, description="Odds ratio of failing, variant to live version, that is still no harm."
    )


class ExperimentDocument(_Section):
    """An A/B test: the live version against up to five others, each user always with the same one."""

    name: str | None = Field(None, min_length=1, max_length=64, description="Shown in reports. By default the file's name.")
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["x-user-id"])] = Field(
        description="The request header that tells users apart. Requests without it are answered, and not counted."
    )
    variants: Annotated[list[VariantDocument], Field(min_length=1, max_length=len(VARIANTS))] = Field(
        description="The arms beside the live version, which is the control: variant-b, variant-c and so on."
    )
    metric: MetricDocument
    alpha: Probability = Field(
        ExperimentPlan.alpha,
        description="Bound on the chance of any false decision, over all looks, variants and both directions.",
    )
    min_units: Annotated[int, Field(ge=1, le=1_000_000_000, examples=[100])] = Field(
        ExperimentPlan.min_units, description="Users with a known outcome that each arm needs before the metric decides."
    )
    until: str | None = Field(
        None, description="When the test ends without a decision: an ISO date, or date and time (UTC unless it says otherwise)."
    )
    max_days: Annotated[float, Field(gt=0, le=366, examples=[14])] | None = Field(
        None, description=f"How many days the test lasts at most, in place of `until`. By default {MAX_DAYS:g}."
    )
    window_seconds: Annotated[float, Field(ge=0.5, le=86_400, examples=[60])] | None = Field(
        None, description="Length of a window, between two looks. By default a minute, or a hundredth of `within_seconds`."
    )
    waiting_seconds: Annotated[float, Field(ge=1, le=3600, examples=[5])] = Field(
        ExperimentPlan.waiting_seconds, description="A request without an answer after this long has failed."
    )
    on_decision: OnDecision = Field(
        ExperimentPlan.on_decision,
        description="What follows a decision: hold, the split stays until a person ends it; control, the live version gets "
        "all traffic back; promote, a variant that won becomes live.",
    )
    harm: HarmDocument = Field(default_factory=HarmDocument)

    @field_validator("until", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        """YAML reads what looks like a date as one."""
        return value.isoformat() if isinstance(value, date | datetime) else value


def schema() -> dict[str, Any]:
    """The JSON Schema of a plan document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **ExperimentDocument.model_json_schema()}


def read_document(document: object, *, what: str, name: str) -> ExperimentPlan:
    """The plan in a document, or `InvalidPlan` with all its faults."""
    if not isinstance(document, Mapping):
        raise InvalidPlan(what, [f"it is {shown(document)}, but must be a mapping of fields such as 'variants' and 'metric'"])
    faults: list[str] = []
    parsed: ExperimentDocument | None = None
    try:
        parsed = ExperimentDocument.model_validate(dict(document))
    except ValidationError as error:
        faults += [plan_faults.sentence(ExperimentDocument, e) for e in error.errors(include_url=False)]
    faults += [*_variants(document), *_metric(document), *_end(document), *_window(document)]
    if faults or parsed is None:
        raise InvalidPlan(what, faults)
    return _plan(parsed, name)


def _plan(document: ExperimentDocument, name: str) -> ExperimentPlan:
    metric = Metric(**document.metric.model_dump())
    window = document.window_seconds or max(SHORTEST_WINDOW, metric.within_seconds / WINDOWS_WAITED)
    return ExperimentPlan(
        name=document.name or name,
        header=document.header.lower(),
        variants=tuple(Variant(variant.version, variant.share) for variant in document.variants),
        metric=metric,
        alpha=document.alpha,
        min_units=document.min_units,
        until=None if document.until is None else _moment(document.until),
        max_days=document.max_days or MAX_DAYS,
        window_seconds=window,
        waiting_seconds=document.waiting_seconds,
        on_decision=document.on_decision,
        harm=HarmGuard(**document.harm.model_dump()),
    )


# Faults that no field has alone. They read the raw document, so that they show beside those of single fields.


def _variants(document: Mapping[Any, Any]) -> list[str]:
    found = document.get("variants")
    variants = [variant for variant in found if isinstance(variant, Mapping)] if isinstance(found, list) else []
    faults = []
    versions = [variant.get("version") for variant in variants]
    for i, version in enumerate(versions):
        if version is not None and version in versions[:i]:
            faults.append(f"variants[{i}].version is {shown(version)} a second time; give each version one arm")
    shares = [share for variant in variants if _is_number(share := variant.get("share"))]
    if shares and len(shares) == len(variants):
        units = sum(round(share * FULL) for share in shares)
        if units >= FULL:
            faults.append(
                f"the shares of variants add up to {units / FULL:g}, so that nothing is left for the live version, which "
                "they are compared with; leave it a share"
            )
    return faults


def _metric(document: Mapping[Any, Any]) -> list[str]:
    metric = document.get("metric")
    if not isinstance(metric, Mapping):
        return []
    kind, low, high = metric.get("kind"), metric.get("low"), metric.get("high")
    faults = []
    if kind == "number":
        faults += [
            f"metric.{name} is missing, which a number needs; add it" for name in ("low", "high") if metric.get(name) is None
        ]
        if _is_number(low) and _is_number(high) and low >= high:
            faults.append(f"metric.low is {low}, not less than metric.high {high}; lower the one or raise the other")
    elif kind in ("event", "binary"):
        given = [name for name in ("low", "high") if metric.get(name) is not None]
        faults += [f"metric.{name} is {shown(metric[name])}, but only a number has bounds; remove it" for name in given]
    if metric.get("name") == CORRECT and kind in ("event", "number"):
        faults.append(f"metric.kind is {kind!r} for the metric {CORRECT!r}, whose feedback says right or wrong; make it 'binary'")
    return faults


def _end(document: Mapping[Any, Any]) -> list[str]:
    until = document.get("until")
    if until is None:
        return []
    faults = []
    if document.get("max_days") is not None:
        faults.append("until and max_days are both given; remove one of them")
    text = until.isoformat() if isinstance(until, date | datetime) else until
    if isinstance(text, str):
        try:
            _moment(text)
        except ValueError:
            faults.append(f"until is {shown(until)}, but must be an ISO date, or date and time; give '2026-12-31T18:00:00Z', say")
    return faults


def _window(document: Mapping[Any, Any]) -> list[str]:
    metric, window = document.get("metric"), document.get("window_seconds")
    within = metric.get("within_seconds") if isinstance(metric, Mapping) else None
    if _is_number(window) and _is_number(within) and 0 < window < within / MOST_WINDOWS_WAITED:
        least = within / MOST_WINDOWS_WAITED
        return [f"window_seconds is {window}, too short for a metric.within_seconds of {within}; give at least {least:g}"]
    return []


def _moment(text: str) -> float:
    """A time as seconds since the epoch. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
