"""What a model server's log says about versions that did not load: the word of one that ended before it could answer."""

from __future__ import annotations

import re

_LOAD_FAILURE = re.compile(r"name: (?P<model>\S+) version: (?P<version>\d+)\} due to error: (?P<error>.*?)(?:, \}|, \{|$)")


def load_failures(log: str, model: str) -> dict[int, str]:
    """The load error of each version of this model that the log tells one of."""
    return {int(found["version"]): found["error"] for found in _LOAD_FAILURE.finditer(log) if found["model"] == model}
