"""Which versions a model should serve, from the listing of its base path (file_system_storage_path_source.cc).

Pure. Names are read as absl::SimpleAtoi<int64> does: `00000123` is 123, `-1` and `+5`
count, anything else is skipped. There is no test for a directory or for completeness:
whoever publishes a version renames it into place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tfx_rollout.model_server.model_config import Latest, Specific, VersionPolicy

_NUMBER = re.compile(r"\s*[+-]?\d+\s*\Z", re.ASCII)


@dataclass(frozen=True)
class Aspired:
    """Version to child name under the base path, and the warnings to log."""

    versions: Mapping[int, str]
    warnings: tuple[str, ...] = ()


def version_number(name: str) -> int | None:
    """The version a child's name stands for, None for one that is no version."""
    if not _NUMBER.match(name):
        return None
    number = int(name)
    return number if -(2**63) <= number < 2**63 else None


def aspired_versions(model: str, base_path: str, policy: VersionPolicy, children: Iterable[str]) -> Aspired:
    """The versions to serve out of these children."""
    found: dict[int, str] = {}
    warnings: list[str] = []
    for name in sorted(children):
        number = version_number(name)
        if number is None:
            continue
        if number in found:
            warnings.append(
                f"Duplicate version directories detected. Version {number} will be loaded from {name}, "
                f"{found[number]} will be ignored."
            )
        found[number] = name
    if isinstance(policy, Specific):
        if not policy.versions:
            return Aspired({}, (f"No specific versions requested for servable {model}.",))
        warnings += [
            f"Version {v} of servable {model}, which was requested to be served as a 'specific' version in the "
            "servable's version policy, was not found in the file system"
            for v in sorted(policy.versions - found.keys())
        ]
        chosen = {v: found[v] for v in policy.versions if v in found}
    elif isinstance(policy, Latest):
        chosen = {v: found[v] for v in sorted(found, reverse=True)[: max(policy.count, 1)]}
    else:
        chosen = found
    if not chosen:
        warnings.append(
            f"No versions of servable {model} found under base path {base_path}. "
            "Did you forget to name your leaf directory as a number (eg. '/1/')?"
        )
    return Aspired(chosen, tuple(warnings))
