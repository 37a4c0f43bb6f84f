"""A root and its models at a glance, and who asks."""

from __future__ import annotations

from fastapi import Response

from tfx_rollout.control.documents import ModelOverview, Models, Role, Whoami
from tfx_rollout.control.http.keeping.sameness import all_models, same_while, the_model
from tfx_rollout.control.http.parameters import Model
from tfx_rollout.control.http.route import Asked, header, needs, routes_of

router = routes_of("models", prefix="/v1")
ETAG = {"ETag": header("The generation of the desired state, for If-Match.", '"7"')}


@router.get("/me", **needs(Role.READ))
def whoami(control: Asked) -> Whoami:
    """Who asks, and with which role."""
    return control.whoami()


@router.get("/models", **needs(Role.READ))
@same_while(all_models)
def list_models(control: Asked) -> Models:
    """All models of the root, by name."""
    return control.models()


@router.get("/models/{model}", **needs(Role.READ, 404, 422, responses={200: {"headers": ETAG}}))
@same_while(the_model)
def get_model(control: Asked, model: Model, response: Response) -> ModelOverview:
    """One model: what serves how much, and what is being done about it."""
    overview = control.model(model)
    response.headers["ETag"] = f'"{overview.generation}"'
    return overview
