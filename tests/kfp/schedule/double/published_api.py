"""Kubeflow Pipelines' published API, read from the classes of `kfp_server_api`: its routes, and its models for what is sent."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

SERVICES = ("RecurringRunServiceApi", "PipelineServiceApi", "ExperimentServiceApi", "HealthzServiceApi")


@dataclass(frozen=True)
class Route:
    """One operation of the published API."""

    operation: str
    method: str
    pattern: re.Pattern[str]
    answer: str
    query: frozenset[str]


def routes_of(api: Any) -> list[Route]:
    """All operations of the services, found by calling each with a client that only takes note."""
    seen: list[tuple[str, str, Any]] = []

    class Noting(api.ApiClient):  # type: ignore[name-defined, misc]
        def call_api(self, path: str, method: str, *rest: Any, **more: Any) -> None:
            seen.append((path, method, more.get("response_type")))

    routes = []
    for service in SERVICES:
        instance = getattr(api, service)(Noting())
        for name, call in inspect.getmembers(instance, inspect.ismethod):
            if name.startswith("_") or name.endswith("_with_http_info"):
                continue
            needed = [
                p for p in inspect.signature(call).parameters.values() if p.default is p.empty and p.kind is not p.VAR_KEYWORD
            ]
            call(*("x" for _ in needed))
            path, method, answer = seen.pop()
            pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(path)))
            documented = frozenset(re.findall(r":param (?:\S+ )?(\w+):", call.__doc__ or ""))
            operation = name.split("_service_")[-1]
            routes.append(Route(operation, method, pattern, answer or "object", documented))
    return routes


class Refused(Exception):
    """An answer that is an error, as grpc-gateway writes it."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


def checked(api: Any, data: Any, kind: str, place: str = "body") -> Any:
    """The model of a JSON value; `Refused` for what the published API does not have."""
    if data is None:
        return None
    if found := re.fullmatch(r"dict\(str, (\w+)\)", kind):
        if not isinstance(data, dict):
            raise Refused(400, f"{place}: not an object")
        return {key: checked(api, value, found[1], f"{place}.{key}") for key, value in data.items()}
    if kind == "object":
        return _as_struct(data)
    if kind in ("str", "bool", "int"):
        if type(data).__name__ != kind:
            raise Refused(400, f"{place}: {data!r} is no {kind}")
        return data
    if kind == "datetime":
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", str(data)):
            raise Refused(400, f"{place}: {data!r} is no timestamp")
        return datetime.fromisoformat(data.replace("Z", "+00:00")).astimezone(timezone.utc).replace(microsecond=0)
    model = getattr(api.models, kind)
    if not model.openapi_types:
        allowed = model.allowable_values if hasattr(model, "allowable_values") else []
        if data not in allowed:
            raise Refused(400, f"{place}: {data!r} is none of {allowed}")
        return data
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    if not isinstance(data, dict) or not set(data) <= set(names):
        raise Refused(400, f"{place}: unknown field in {data!r}")
    return model(
        **{names[key]: checked(api, value, model.openapi_types[names[key]], f"{place}.{key}") for key, value in data.items()}
    )


def _as_struct(data: Any) -> Any:
    """A value that went through google.protobuf.Struct, where each number is a double."""
    if isinstance(data, dict):
        return {key: _as_struct(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_struct(value) for value in data]
    return float(data) if isinstance(data, int) and not isinstance(data, bool) else data
