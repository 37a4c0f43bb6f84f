"""The schema of the API: what FastAPI knows of the routes, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from tfx_rollout.control.documents import FeedbackBatch, FeedbackRow, Problem
from tfx_rollout.control.http.route import SCHEME

TITLE = "tfx-rollout"
VERSION = "1.0.0"
"""Of the API. The first number is in every address; the second rises with what is added, the third with what is mended."""
DESCRIPTION = (
    "Versions, configuration, rollouts, A/B tests, metrics and feedback of the models under one root. "
    "Times are seconds since the epoch, shares and rates go from 0 to 1. "
    "Whatever fails is told as `application/problem+json`, in one sentence that names the fault, the place and the mend."
)
TAGS: list[dict[str, Any]] = [
    {"name": "models", "description": "The root and its models at a glance."},
    {"name": "versions", "description": "What is there, what is held loaded, what it is called."},
    {"name": "configuration", "description": "What should be, what is, and why they differ."},
    {"name": "plans", "description": "How rollouts and A/B tests go on."},
    {"name": "rollouts", "description": "Staged changes to a new version."},
    {"name": "experiments", "description": "A/B tests."},
    {"name": "metrics", "description": "What was served."},
    {"name": "feedback", "description": "Labels that came later."},
    {"name": "access", "description": "Tokens, and who changed what."},
    {"name": "events", "description": "What happens, as server-sent events."},
    {"name": "health", "description": "For what watches the process."},
]


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; reads no root and needs no server."""
    from tfx_rollout.control.http.app import create_app
    from tfx_rollout.control.http.settings import ApiOptions

    return create_app(ApiOptions(root=Path("/"))).openapi()


def complete(app: FastAPI) -> None:
    """Lets the application give the whole schema, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(
                get_openapi(
                    title=app.title, version=app.version, description=app.description, tags=app.openapi_tags, routes=app.routes
                )
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, made = models_json_schema(
        [(Problem, "serialization"), (FeedbackRow, "validation"), (FeedbackBatch, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    schemas.update(made["$defs"])
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "description": "A token: `tfx-rollout token create`."}
    }
    for path in document["paths"].values():
        for operation in path.values():
            operation.pop("x-content-types", None)
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "if-match" and "428" in operation["responses"]:
                    # The program takes it as optional to say 428 in a sentence of its own.
                    parameter["required"] = True
    return document
