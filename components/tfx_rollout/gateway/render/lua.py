"""The Lua filters, read from the package and filled in."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from tfx_rollout.gateway.naming import MODEL_HEADER, PIN_HEADER, Protocol


def inspect_filter() -> dict[str, Any]:
    """The listener's filter that tells the routes which model a gRPC message names."""
    source = _source("inspect").replace("@MODEL_HEADER@", MODEL_HEADER).replace("@PIN_HEADER@", PIN_HEADER)
    return _filter("inspect", source)


def label_filter(protocol: Protocol, label: str) -> dict[str, Any]:
    """A cluster's filter that writes this label (letters, digits, `.`, `_`, `-`) into calls without a choice of their own."""
    return _filter("label", _source(f"label_{protocol}").replace("@LABEL@", label))


def shadow_answer_filter() -> dict[str, Any]:
    """A shadow cluster's filter that makes failures countable."""
    return _filter("shadow_answer", _source("shadow_answer"))


def _filter(name: str, source: str) -> dict[str, Any]:
    return {
        "name": f"tfx_rollout.{name}",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": source},
        },
    }


@cache
def _source(name: str) -> str:
    return (files("tfx_rollout.gateway") / "lua" / f"{name}.lua").read_text(encoding="utf-8")
