"""What has to be the same for an answer to be given again: each route that may do so says it by `@same_while(…)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tfx_rollout.control.http.keeping.answers import KEPT_S
from tfx_rollout.control.http.keeping.signs import Sign, Signs
from tfx_rollout.control.local.presence import RootPresence
from tfx_rollout.metrics import TrafficMetrics

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class Sources:
    """What answers are made of."""

    signs: Signs
    presence: RootPresence
    traffic: TrafficMetrics


SignOf = Callable[[Sources, Mapping[str, str]], Sign]
"""Gives the sign of an answer, by the parameters in its path. Looks at files; may raise `RolloutError`."""


@dataclass(frozen=True)
class Sameness:
    """An answer is given again for some seconds at most, while its sign is the same."""

    sign: SignOf
    seconds: float
    takes_long: bool
    """Whether there is much to look at for the sign: everything of every model."""


_SAME: dict[Callable[..., Any], Sameness] = {}


def same_while(sign: SignOf, seconds: float = KEPT_S) -> Callable[[Endpoint], Endpoint]:
    """Declares of an endpoint that its answer depends on nothing but its URL and what `sign` stands for; not on who asks."""

    def declared(endpoint: Endpoint) -> Endpoint:
        _SAME[endpoint] = Sameness(sign, seconds, takes_long=sign in (all_models, all_metrics))
        return endpoint

    return declared


def sameness_of(endpoint: Callable[..., Any]) -> Sameness | None:
    """What the endpoint declares; None where each request is answered anew."""
    return _SAME.get(endpoint)


def the_program(_: Sources, __: Mapping[str, str]) -> Sign:
    """What ships with the program, and so is the same as long as it runs."""
    return Sign(())


def all_models(sources: Sources, _: Mapping[str, str]) -> Sign:
    """Everything of all models, and who serves them."""
    return _served(sources, sources.signs.of_all())


def the_model(sources: Sources, path: Mapping[str, str]) -> Sign:
    """Everything of one model, and who serves it."""
    return _served(sources, sources.signs.of(path["model"]))


def the_rollout(sources: Sources, path: Mapping[str, str]) -> Sign:
    """Everything of one rollout, however old."""
    return sources.signs.of(path["model"], rollout=path["rollout"])


def the_experiment(sources: Sources, path: Mapping[str, str]) -> Sign:
    """Everything of one A/B test, however old."""
    return sources.signs.of(path["model"], experiment=path["experiment"])


def all_metrics(sources: Sources, path: Mapping[str, str]) -> Sign:
    """What was counted of the traffic, and everything of all models."""
    models = all_models(sources, path)
    return Sign((sources.traffic.revision, models), models.settled)


def the_traffic(sources: Sources, _: Mapping[str, str]) -> Sign:
    """What was counted of the traffic."""
    return Sign(sources.traffic.revision)


def _served(sources: Sources, sign: Sign) -> Sign:
    return Sign((sources.presence.supervisor(), sign), sign.settled)
