"""The versions of a model: what is there, and what is held loaded."""

from __future__ import annotations

from tfx_rollout.control.documents import AliasWanted, Change, HoldWanted, Role, Version, Versions
from tfx_rollout.control.http.current import with_configuration
from tfx_rollout.control.http.keeping.sameness import same_while, the_model
from tfx_rollout.control.http.parameters import Alias, DryRun, IfMatch, Model, VersionPath, WhyQuery, generation
from tfx_rollout.control.http.route import Asked, needs, routes_of

router = routes_of("versions", prefix="/v1/models/{model}")
OVER_THE_API = "asked for over the API"
_CHANGE = needs(Role.OPERATE, 404, 409, 422)
_CHANGE_WITH_BODY = needs(Role.OPERATE, 404, 409, body=True)


@router.get("/versions", **needs(Role.READ, 404, 422))
@same_while(the_model)
def list_versions(control: Asked, model: Model) -> Versions:
    """All versions of a model, newest first."""
    return control.versions(model)


@router.get("/versions/{version}", **needs(Role.READ, 404, 422))
def get_version(control: Asked, model: Model, version: VersionPath) -> Version:
    """One version, with its inputs and outputs."""
    return control.version(model, version)


@router.delete("/versions/{version}", **needs(Role.ADMIN, 404, 409, 422))
def retire_version(control: Asked, model: Model, version: VersionPath, why: WhyQuery = OVER_THE_API) -> Version:
    """Remove a version for good. The answer has it as it was."""
    with with_configuration(control, model):
        return control.retire(model, version, why=why)


@router.post("/versions/{version}/load", **_CHANGE_WITH_BODY)
def load_version(
    control: Asked, model: Model, version: VersionPath, wanted: HoldWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Hold a version loaded on the primary server until the next promotion. No traffic moves."""
    with with_configuration(control, model):
        return control.load(model, version, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.post("/versions/{version}/unload", **_CHANGE_WITH_BODY)
def unload_version(
    control: Asked, model: Model, version: VersionPath, wanted: HoldWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Hold a version no more."""
    with with_configuration(control, model):
        return control.unload(model, version, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.post("/versions/{version}/pin", **_CHANGE_WITH_BODY)
def pin_version(
    control: Asked, model: Model, version: VersionPath, wanted: HoldWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Hold a version loaded whatever rollouts do, until it is unpinned."""
    with with_configuration(control, model):
        return control.pin(model, version, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.post("/versions/{version}/unpin", **_CHANGE_WITH_BODY)
def unpin_version(
    control: Asked, model: Model, version: VersionPath, wanted: HoldWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Let a pinned version go: it is unloaded unless a label or an alias needs it."""
    with with_configuration(control, model):
        return control.unpin(model, version, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.put("/aliases/{alias}", **_CHANGE_WITH_BODY)
def set_alias(
    control: Asked, model: Model, alias: Alias, wanted: AliasWanted, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Let a label of the operator's own name a version."""
    with with_configuration(control, model):
        return control.set_alias(model, alias, wanted.version, why=wanted.why, expected=generation(if_match), dry_run=dry_run)


@router.delete("/aliases/{alias}", **_CHANGE)
def remove_alias(
    control: Asked, model: Model, alias: Alias, why: WhyQuery = OVER_THE_API, if_match: IfMatch = None, dry_run: DryRun = False
) -> Change:
    """Take a label of the operator's own away."""
    with with_configuration(control, model):
        return control.remove_alias(model, alias, why=why, expected=generation(if_match), dry_run=dry_run)
