"""The Lua filters, read from the package and filled in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from tfx_rollout.gateway.log_format import UNIT_KEY, UNIT_NAMESPACE
from tfx_rollout.gateway.naming import MODEL_HEADER, PIN_HEADER, REQUEST_ID_HEADER, Protocol

LISTENER_FILTER = "tfx_rollout.listener"
"""The listener's filter; a route's metadata under this name is meant for it."""


def listener_filter() -> dict[str, Any]:
    """The listener's filter: gives requests an id, tells the routes which model a gRPC message names, and the log the unit."""
    source = "\n".join(_source(part) for part in ("request_id", "inspect", "unit", "listener"))
    names = {
        "@REQUEST_ID_HEADER@": REQUEST_ID_HEADER,
        "@MODEL_HEADER@": MODEL_HEADER,
        "@PIN_HEADER@": PIN_HEADER,
        "@UNIT_NAMESPACE@": UNIT_NAMESPACE,
        "@UNIT_KEY@": UNIT_KEY,
    }
    for placeholder, name in names.items():
        source = source.replace(placeholder, name)
    return _filter(LISTENER_FILTER, source)


def label_filter(protocol: Protocol, label: str) -> dict[str, Any]:
    """A cluster's filter that writes this label (letters, digits, `.`, `_`, `-`) into calls without a choice of their own."""
    return _filter("tfx_rollout.label", _source(f"label_{protocol}").replace("@LABEL@", label))


def _filter(name: str, source: str) -> dict[str, Any]:
    return {
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": source},
        },
    }


@cache
def _source(name: str) -> str:
    return (files("tfx_rollout.gateway") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
