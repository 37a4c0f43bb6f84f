"""Which evidence a model needs: JSON at the edge, a frozen value inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tfx_rollout.blessing.evidence import Kind
from tfx_rollout.errors import InvalidPlan

Unbound = Literal["refuse", "accept"]


@dataclass(frozen=True)
class Policy:
    """`required` must all be there, about this model, and say yes; other evidence is only written down.

    `unbound` says what to do with required evidence that does not say which model it is
    about: only blessings of components outside TFX's and ours lack that.
    """

    required: tuple[Kind, ...] = tuple(Kind)
    unbound: Unbound = "refuse"

    @classmethod
    def of(cls, kinds: Iterable[Kind]) -> Policy:
        """The policy that requires these kinds."""
        wanted = set(kinds)
        return cls(tuple(kind for kind in Kind if kind in wanted))

    def to_json(self) -> dict[str, Any]:
        return {"required": [kind.value for kind in self.required], "unbound": self.unbound}


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    required: list[Kind] = Field(default_factory=lambda: list(Kind), min_length=1)
    unbound: Unbound = "refuse"


def load_policy(document: Mapping[str, Any] | str | None) -> Policy:
    """From a dict or its JSON; empty means that everything is required. `InvalidPlan` names every fault."""
    what = "the policy of the blessing check"
    try:
        data = json.loads(document) if isinstance(document, str) and document else document
        parsed = _Document.model_validate(data or {})
    except ValueError as fault:
        if isinstance(fault, ValidationError):
            lines = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in fault.errors()]
        else:
            lines = [f"document: it is no JSON ({fault})"]
        raise InvalidPlan(what, lines) from fault
    return Policy(tuple(kind for kind in Kind if kind in parsed.required), parsed.unbound)
