"""What the files that declare schedules have in common: reading them, their trigger, their faults. The edge; pydantic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tfx_rollout.errors import InvalidPlan, NotFound, StorageFault
from tfx_rollout.rollout import plan_faults
from tfx_rollout.schedule.cron import Every, parse_cron
from tfx_rollout.schedule.trigger import Trigger, written

LONGEST_INTERVAL = 366 * 86_400
"""Seconds."""

Document = TypeVar("Document", bound=BaseModel)


class Section(BaseModel):
    """A mapping of a schedule file: unknown keys and values of another type are faults."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def fixed(value: object, why: str) -> BeforeValidator:
    """A check of a field that has one value only, and says why."""

    def check(given: object) -> object:
        if given != value or type(given) is not type(value):
            raise ValueError(f"is refused: {why}; remove it, or write {plan_faults.shown(value)}")
        return given

    return BeforeValidator(check)


def _cron(given: object) -> object:
    if isinstance(given, str):
        parse_cron(given)
    return given.strip() if isinstance(given, str) else given


def _utc_time(given: object) -> datetime:
    example = "write it as '2027-01-31T02:30:00Z', in UTC"
    time = given
    if isinstance(given, str):
        try:
            time = datetime.fromisoformat(given.strip().replace("Z", "+00:00").replace("z", "+00:00"))
        except ValueError:
            raise ValueError(f"is no date and time; {example}") from None
    if not isinstance(time, datetime):
        raise ValueError(f"is no date and time; {example}")
    if time.tzinfo is None:
        raise ValueError("has no zone; add a Z for UTC if that is what it means")
    if time.utcoffset() != timedelta():
        raise ValueError(f"is in another zone than UTC; write {written(time).replace('+00:00', 'Z')!r}")
    if time.microsecond:
        raise ValueError("has a fraction of a second; give whole seconds")
    return time.astimezone(timezone.utc)


def _utc(given: object) -> object:
    if given != "UTC":
        raise ValueError("is refused: schedules run in UTC, whatever the season; write the times in UTC and remove it")
    return given


UtcTime = Annotated[datetime, BeforeValidator(_utc_time)]


class TriggerSection(Section):
    """When runs start. Give either `cron` or `interval_seconds`."""

    cron: Annotated[str, BeforeValidator(_cron), Field(examples=["0 30 2 * * *"])] | None = Field(
        None,
        description="Six fields, seconds first: second, minute, hour, day of the month, month, weekday (0 is Sunday). UTC.",
    )
    interval_seconds: Annotated[int, Field(ge=1, le=LONGEST_INTERVAL, examples=[86400])] | None = Field(
        None, description="Seconds from one start to the next."
    )
    timezone: Annotated[str, BeforeValidator(_utc)] = Field("UTC", description="Always UTC.")
    start: UtcTime | None = Field(None, description="No run starts before this time, such as 2027-01-31T02:30:00Z.")
    end: UtcTime | None = Field(None, description="No run starts after this time.")

    def trigger(self) -> Trigger:
        """The value it describes."""
        return Trigger(self.cron, self.interval_seconds, self.start, self.end)


def trigger_faults(schedule: Mapping[Any, Any], place: str) -> list[str]:
    """Faults of a trigger that no field has alone; `place` is the schedule's path in the document."""
    faults = []
    cron, interval = schedule.get("cron"), schedule.get("interval_seconds")
    if cron is None and interval is None:
        faults.append(f"{place} has neither cron nor interval_seconds; give one of them")
    if cron is not None and interval is not None:
        faults.append(f"{place} has both cron and interval_seconds; give one of them")
    try:
        start, end = (None if schedule.get(name) is None else _utc_time(schedule[name]) for name in ("start", "end"))
    except ValueError:
        return faults  # said of the field itself
    if start is not None and end is not None and end <= start:
        faults.append(
            f"{place}.end is {written(end)}, not after its start {written(start)}; no run would start, correct one of them"
        )
    elif not faults and end is not None and _never(cron, interval, start, end):
        faults.append(f"{place}.end is {written(end)}, before the first time that its cron names; no run would start")
    return faults


def _never(cron: object, interval: object, start: datetime | None, end: datetime) -> bool:
    """Whether nothing lies between two times."""
    if start is None or not isinstance(cron, str):
        return False
    try:
        times = parse_cron(cron)
    except ValueError:
        return False
    first = start if isinstance(times, Every) else times.next_after(start - timedelta(seconds=1))
    return first is None or first > end


def name_faults(schedules: Sequence[Any], place: str) -> list[str]:
    """A fault for each name that two schedules of a file have."""
    seen: dict[object, int] = {}
    faults = []
    for number, schedule in enumerate(schedules):
        name = schedule.get("name") if isinstance(schedule, Mapping) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            faults.append(
                f"{place}[{number}].name is {name!r}, as of {place}[{seen[name]}]; give each schedule a name of its own"
            )
        seen.setdefault(name, number)
    return faults


def read_file(path: Path, what: str) -> Any:
    """The content of a YAML or JSON file. `NotFound`, `StorageFault`, or `InvalidPlan` where it is neither."""
    if not path.is_file():
        raise NotFound("file", path.name, str(path.absolute().parent))
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except OSError as fault:
        raise StorageFault(str(path), f"cannot be read ({fault.strerror})", "see to its permissions") from fault
    except (yaml.YAMLError, ValueError) as fault:
        form = "JSON" if path.suffix == ".json" else "YAML"
        star = " (a text that begins with * needs quotes in YAML)" if "alias" in str(fault) else ""
        raise InvalidPlan(what, [f"the file is not valid {form}: {' '.join(str(fault).split())}{star}"]) from fault


def parsed(
    model: type[Document], content: object, *, what: str, between: Callable[[Mapping[Any, Any]], list[str]] = lambda _: []
) -> Document:
    """The document in a file's content, or `InvalidPlan` with all its faults, those `between` fields among them."""
    if not isinstance(content, Mapping):
        raise InvalidPlan(what, [f"it is {plan_faults.shown(content)}, but must be a mapping with a list 'schedules'"])
    faults: list[str] = []
    document = None
    try:
        document = model.model_validate(dict(content))
    except ValidationError as error:
        faults += [_sentence(model, found) for found in error.errors(include_url=False)]
    faults += between(content)
    if faults or document is None:
        raise InvalidPlan(what, faults)
    return document


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def _sentence(model: type[BaseModel], error: Mapping[str, Any]) -> str:
    if error["type"] != "value_error":
        return plan_faults.sentence(model, error)
    return f"{plan_faults.path_of(error['loc'])} {plan_faults.shown(error['input'])} {error['ctx']['error']}"
