"""Following what happens, as server-sent events."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Request, Response
from pydantic.json_schema import SkipJsonSchema

from tfx_rollout.control.documents import Role
from tfx_rollout.control.http.back import Back
from tfx_rollout.control.http.parameters import ExperimentId, Model, RolloutId
from tfx_rollout.control.http.route import needs, routes_of
from tfx_rollout.control.http.watching import EventStream
from tfx_rollout.control.http.watching.topics import AllModels, OneModel, OneRecord, Topic
from tfx_rollout.control.http.watching.watch import Place

router = routes_of("events", prefix="/v1")

Resume = Annotated[str | SkipJsonSchema[None], Header(description="Where a stream that broke is taken up again.", max_length=100)]


def _stream(what: str, **kinds: str) -> dict[int | str, dict[str, Any]]:
    """How a stream is told in the schema, as OpenAPI 3.2 has it: each event by itself. `kinds` are schemas of the data."""
    events = [
        {
            "type": "object",
            "required": ["event", "data"],
            "properties": {
                "event": {"const": kind},
                "id": {"type": "string"},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"},
                },
            },
        }
        for kind, schema in kinds.items()
    ]
    return {200: {"description": what, "content": {"text/event-stream": {"itemSchema": {"oneOf": events}}}}}


@router.get(
    "/events",
    response_class=Response,
    **needs(Role.READ, responses=_stream("`models` whenever anything changes; a comment every 15 s.", models="Models")),
)
async def follow_models(request: Request) -> Response:
    """All models, as they change."""
    return await _follow(request, ("models",), lambda back: AllModels(back.signs, back.presence, back.own_control))


@router.get(
    "/models/{model}/events",
    response_class=Response,
    **needs(
        Role.READ,
        404,
        422,
        responses=_stream(
            "`model`, `rollout` and `experiment`, as they change.",
            model="ModelOverview",
            rollout="Rollout",
            experiment="Experiment",
        ),
    ),
)
async def follow_model(request: Request, model: Model) -> Response:
    """One model and what is done about it, as it changes."""
    return await _follow(request, ("model", model), lambda back: OneModel(back.signs, back.own_control, model))


@router.get(
    "/models/{model}/rollouts/{rollout}/events",
    response_class=Response,
    **needs(
        Role.READ,
        404,
        422,
        responses=_stream(
            "`event`, `verdict` and `state` from the first one on, and at last `report`; then it ends.",
            event="",
            verdict="",
            state="Rollout",
            report="",
        ),
    ),
)
async def follow_rollout(request: Request, model: Model, rollout: RolloutId, last_event_id: Resume = None) -> Response:
    """One rollout, from its first event to its end."""
    key = ("rollout", model, rollout)
    return await _follow(request, key, lambda back: OneRecord(back.own_control.tail_rollout(model, rollout)), last_event_id)


@router.get(
    "/models/{model}/experiments/{experiment}/events",
    response_class=Response,
    **needs(
        Role.READ,
        404,
        422,
        responses=_stream(
            "`event` from the first one on, `state` whenever it stands differently, and at last `report`; then it ends.",
            event="",
            state="Experiment",
            report="",
        ),
    ),
)
async def follow_experiment(request: Request, model: Model, experiment: ExperimentId, last_event_id: Resume = None) -> Response:
    """One A/B test, from its first event to its end."""
    key = ("experiment", model, experiment)
    return await _follow(request, key, lambda back: OneRecord(back.own_control.tail_experiment(model, experiment)), last_event_id)


async def _follow(
    request: Request, key: tuple[str, ...], topic: Callable[[Back], Topic], last_event_id: str | None = None
) -> EventStream:
    """The stream of a topic, which `topic` makes if nobody follows it yet, on from where another one broke off."""
    back, caller = request.app.state.back, request.state.caller
    place = await back.watch.enter(key, caller.name, lambda: topic(back))
    begin = _resumed(place, last_event_id)
    return EventStream(place, begin, seconds=back.limits.watch_seconds, welcome=lambda: back.welcome.of(caller))


def _resumed(place: Place, last_event_id: str | None) -> int | None:
    """Where a record is told on from; None for its beginning."""
    found = re.fullmatch(r"(\d{1,9})\.(\d{1,9})", last_event_id or "")
    return None if found is None else place.feed.place_of((int(found[1]), int(found[2])))
