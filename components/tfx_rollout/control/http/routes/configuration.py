"""What should be, what is, and how the one becomes the other."""

from __future__ import annotations

from fastapi import Response

from tfx_rollout.control.documents import Change, Configuration, ConfigurationWanted, History, Role, RollbackWanted
from tfx_rollout.control.http.current import with_configuration
from tfx_rollout.control.http.keeping.sameness import same_while, the_model
from tfx_rollout.control.http.parameters import DryRun, IfMatch, Limit, Model, Offset, generation
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.route import Asked, needs, routes_of
from tfx_rollout.control.http.routes.models import ETAG

router = routes_of("configuration", prefix="/v1/models/{model}")


@router.get("/configuration", **needs(Role.READ, 404, 422, responses={200: {"headers": ETAG}}))
@same_while(the_model)
def get_configuration(control: Asked, model: Model, response: Response) -> Configuration:
    """What is desired, what is observed, the differences, and why they are there."""
    found = control.configuration(model)
    response.headers["ETag"] = f'"{found.generation}"'
    return found


@router.patch("/configuration", **needs(Role.OPERATE, 404, 409, 428, body=True))
def change_configuration(
    control: Asked, model: Model, wanted: ConfigurationWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Change what is desired, or see what a change would do. The generation that it is based on must be said."""
    if if_match is None:
        raise Refused(
            428,
            "if-match-missing",
            'Say which generation the change is based on, as If-Match: "7"; or If-Match: * for any.',
        )
    with with_configuration(control, model):
        return control.configure(model, wanted, expected=generation(if_match), dry_run=dry_run)


@router.post("/rollback", **needs(Role.OPERATE, 404, 409, body=True))
def roll_back(control: Asked, model: Model, wanted: RollbackWanted, if_match: IfMatch = None, dry_run: DryRun = False) -> Change:
    """Make the version before the live one live again, at once."""
    with with_configuration(control, model):
        return control.roll_back(model, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.get("/history", **needs(Role.READ, 404, 422))
@same_while(the_model)
def get_history(control: Asked, model: Model, limit: Limit = 100, offset: Offset = 0) -> History:
    """What was desired when, and when it was in force; newest first."""
    return control.history(model, limit=limit, offset=offset)
