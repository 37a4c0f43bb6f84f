"""Changes of a desired state that people make beside rollouts: the new state from the old one. Pure.

What a model's server holds is what names need (labels, aliases, pins), and beside that what was
loaded by hand. A version that no name needs any more is let go; one that was loaded by hand
before any name came goes with its last name, too.
"""

from __future__ import annotations

from tfx_rollout.errors import Conflict, NotFound
from tfx_rollout.rollout.desired_states import returned_to_previous
from tfx_rollout.traffic import Cause, DesiredState, arranged


def load(state: DesiredState, version: int) -> DesiredState:
    """Hold a version loaded until the next promotion."""
    return arranged(state, loaded={*state.loaded, version})


def unload(state: DesiredState, version: int, *, running: str | None = None) -> DesiredState:
    """Hold it no more. Raises `Conflict` with everything that needs it.

    `running` names the rollout or A/B test that runs and needs it, if one does.
    """
    uses = needs(state, version)
    if uses:
        uses += [] if running is None else [running]
        raise Conflict(
            f"Version {version} of model {state.model!r} is needed by {', '.join(uses)} and stays loaded; see to that first."
        )
    return arranged(state, loaded=state.loaded - {version})


def pin(state: DesiredState, version: int) -> DesiredState:
    """Hold it loaded whatever rollouts do."""
    return arranged(state, pinned={*state.pinned, version})


def unpin(state: DesiredState, version: int) -> DesiredState:
    """Let it go: it is unloaded unless a label or an alias needs it."""
    return arranged(state, pinned=set(state.pinned) - {version})


def name(state: DesiredState, alias: str, version: int) -> DesiredState:
    """Let an alias name this version. Raises `InvalidState` for what cannot be an alias."""
    return arranged(state, aliases={**state.aliases, alias: version})


def unname(state: DesiredState, alias: str) -> DesiredState:
    """Take an alias away. Raises `NotFound`."""
    if alias not in state.aliases:
        raise NotFound("alias", alias, f"model {state.model!r}", list(state.aliases))
    return arranged(state, aliases={other: version for other, version in state.aliases.items() if other != alias})


def back(state: DesiredState) -> DesiredState:
    """Stable and previous exchanged. Raises `Conflict` where no previous version is kept loaded."""
    returned = returned_to_previous(state, state.cause)
    if returned is None:
        raise Conflict(
            f"Model {state.model!r} has no previous version loaded to return to; roll out the version that you want instead."
        )
    return returned


def needs(state: DesiredState, version: int) -> list[str]:
    """In words, what needs a version to be held."""
    labels = [f"label {label}" for label, named in state.labels.items() if named == version]
    aliases = [f"alias {alias}" for alias, named in state.aliases.items() if named == version]
    return [*labels, *aliases, *(["a pin"] if version in state.pinned else [])]


def differ(one: DesiredState, other: DesiredState) -> bool:
    """Whether two states differ in what they ask for, whoever asked and why."""
    nobody = Cause()
    return one.change(generation=0, cause=nobody) != other.change(generation=0, cause=nobody)
