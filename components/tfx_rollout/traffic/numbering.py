"""Which version answers on each track, by number, while that is certain. Pure.

The gateway writes the number on the answers of a server that does not say it itself, and leads
calls that name it there. No number is better than a wrong one, so it goes by an order of its own
around every move of a label that the gateway uses:

    number gone from the gateway, and requests of before over → label moves → label confirmed → number back
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tfx_rollout.traffic.desired import DesiredState
from tfx_rollout.traffic.observed import ObservedState, Route
from tfx_rollout.traffic.placement import place
from tfx_rollout.traffic.steps import Await, Configure, SetTraffic, Step
from tfx_rollout.traffic.track import LABEL_OF, Track


def certain_numbers(
    desired: DesiredState,
    observed: ObservedState,
    step: Step,
    *,
    numbered: Mapping[Track, int],
    reading: Collection[str],
) -> dict[Track, int]:
    """The number of each track that the gateway leads somewhere, now or by `step`, where it is certain and stays so.

    `numbered` are the numbers that the gateway has in force. One of them stays while its
    server is silent, since a server that starts again has the labels of its configuration
    from the start. `reading` are the servers that may not have read their newest
    configuration yet, whatever they say.
    """
    found: dict[Track, int] = {}
    for track, route in (step.routes if isinstance(step, SetTraffic) else observed.routes).items():
        version = _configured(observed, route)
        if version is None or _is_to_move(desired, route, version):
            continue
        server = observed.server(route.server)
        said = None if server is None else server.labels.get(route.label)
        confirmed = said == version and route.server not in reading
        stays = numbered.get(track) == version and said in (None, version) and observed.routes.get(track) == route
        if confirmed or stays:
            found[track] = version
    return found


def after_numbers(step: Step, observed: ObservedState, *, gone: Callable[[Track], bool], drained: bool) -> Step:
    """The step, or a wait where it moves a label whose number the gateway may still say.

    `gone`: whether a track has been without a number for so long that requests begun with one
    are over. `drained`: see `next_step`.
    """
    server = observed.server(step.server) if isinstance(step, Configure) else None
    if server is None or not isinstance(step, Configure):
        return step
    for label, version in server.configured_labels.items():
        if step.spec.labels.get(label, version) == version:
            continue
        for track in (track for track, its in LABEL_OF.items() if its == label):
            route = observed.routes.get(track)
            # A track that leads nowhere any more, or elsewhere, may have requests on their way here.
            elsewhere = route is not None and route.server != step.server
            if not (drained if elsewhere else gone(track)):
                return Await(f"the requests of {track} that were told version {version}, before label {label} moves")
    return step


def _configured(observed: ObservedState, route: Route) -> int | None:
    server = observed.server(route.server)
    return None if server is None else server.configured_labels.get(route.label)


def _is_to_move(desired: DesiredState, route: Route, version: int) -> bool:
    target = place(desired).get(route.server)
    return target is not None and target.labels.get(route.label, version) != version
