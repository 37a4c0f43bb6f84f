"""What the server has, and in what it differs from what is wanted. Values; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tfx_rollout.kfp.schedule.wanted import LATEST, Form


@dataclass(frozen=True)
class Found:
    """A recurring run as the server has it."""

    id: str
    form: Form
    enabled: bool
    created_at: datetime | None = None
    ours: bool = False
    """Whether its description has our mark."""
    servers_account: bool = False
    """Whether the mark says that no service account was asked for."""


@dataclass(frozen=True)
class Difference:
    """A field, what it should be and what it is."""

    field: str
    wanted: object
    found: object

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.found)} → {_shown(self.wanted)}"


_FIELDS: tuple[tuple[str, Callable[[Form], object]], ...] = (
    ("experiment", lambda form: form.experiment_id),
    ("pipeline", lambda form: "one of its own" if form.embedded else form.pipeline_id),
    ("version", lambda form: "one of its own" if form.embedded else form.version_id or LATEST),
    ("pipeline_root", lambda form: form.pipeline_root),
    ("cron", lambda form: form.trigger.cron),
    ("interval_seconds", lambda form: form.trigger.interval_seconds),
    ("start", lambda form: form.trigger.start),
    ("end", lambda form: form.trigger.end),
    ("description", lambda form: form.description),
    ("max_concurrency", lambda form: form.max_concurrency),
    ("no_catchup", lambda form: form.no_catchup),
)


def differences(wanted: Form, found: Found) -> tuple[Difference, ...]:
    """The fields in which a recurring run is not as wanted; the mode is not looked at."""
    unlike = [Difference(name, of(wanted), of(found.form)) for name, of in _FIELDS if of(wanted) != of(found.form)]
    for name in sorted({*wanted.parameters, *found.form.parameters}):
        ours, theirs = wanted.parameters.get(name, _ABSENT), found.form.parameters.get(name, _ABSENT)
        if not same_value(ours, theirs):
            unlike.append(Difference(f"parameters.{name}", ours, theirs))
    unlike += _accounts(wanted, found)
    return tuple(unlike)


def same_value(ours: Any, theirs: Any) -> bool:
    """Whether two parameters are the same, one of which went through the server: there all numbers become floats."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return float(ours) == float(theirs)
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(same_value(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(same_value, ours, theirs))
    return bool(ours == theirs)


def _accounts(wanted: Form, found: Found) -> list[Difference]:
    """The server fills in an account of its own where none was given; only the mark tells whether one was."""
    if wanted.service_account is None:
        return [] if found.servers_account else [Difference("service_account", _SERVERS, found.form.service_account)]
    if found.form.service_account == wanted.service_account and not found.servers_account:
        return []
    theirs = _SERVERS if found.servers_account else found.form.service_account
    return [Difference("service_account", wanted.service_account, theirs)]


class _Word:
    """A word that is no value."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        return self.word


_ABSENT = _Word("absent")
_SERVERS = _Word("the server's")


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
