"""The API's problems, as the errors that they were there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_rollout.control.documents import Problem
from tfx_rollout.errors import ApiFault, Conflict, InvalidInput, NotFound, RolloutError

BY_STATUS: Mapping[int, type[RolloutError]] = {404: NotFound, 409: Conflict, 412: Conflict}
"""What a problem of a kind that this version does not know is taken for; else it is what was given, or the API."""


def error_of(problem: Problem, url: str) -> RolloutError:
    """The error, with the sentence that it had there.

    Its facts (`StaleGeneration.found`, …) are not known here; `current` has what the problem says is there now.
    """
    kind = _kinds().get(problem.type.rsplit("/", 1)[-1]) or BY_STATUS.get(problem.status)
    if kind is None and 400 <= problem.status < 500:
        kind = InvalidInput
    if kind is None or issubclass(kind, ApiFault):
        return ApiFault(url, f"failed ({problem.status}: {problem.detail.rstrip('.')})", "see to the log of its supervisor")
    return _with_sentence(kind, problem.detail, current=problem.current)


def kind_of(error: type[RolloutError]) -> str:
    """The kind of an error as a problem's `type` ends: `stale-generation` for `StaleGeneration`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", error.__name__).lower()


def _kinds() -> dict[str, type[RolloutError]]:
    return {kind_of(kind): kind for kind in _tree(RolloutError)}


def _tree(kind: type[RolloutError]) -> Iterator[type[RolloutError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _tree(below)


def _with_sentence(kind: type[RolloutError], sentence: str, **facts: Any) -> RolloutError:
    # The constructors take facts and form the sentence; here the sentence is what is known.
    error = kind.__new__(kind, sentence)
    error.__dict__.update(facts)
    return error
