"""Resources of Envoy's file-based discovery (xDS), with a version that says what is in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Discovery:
    """The text of one discovery file, and its version as Envoy reports it once it is in force."""

    version: str
    text: str


def digest(resources: Sequence[dict[str, Any]]) -> str:
    """A version that says what is in these resources.

    Envoy does not take over the version of a response that changes nothing, so a version
    that said anything else might never be confirmed.
    """
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]


def discovery(resources: Sequence[dict[str, Any]], version: str) -> Discovery:
    """A discovery response with these resources, under this version."""
    return Discovery(version, json.dumps({"version_info": version, "resources": list(resources)}, indent=1))


def seconds(duration: float) -> str:
    """A duration as protobuf's JSON wants it: never in scientific notation."""
    return f"{duration:.3f}s"
