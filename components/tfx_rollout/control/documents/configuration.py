"""What should be, what is, and how the one becomes the other."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tfx_rollout.control.documents.form import Document, Told, VersionNumber, Wanted, Why


class Difference(Document):
    """One point in which what is in force is not what is desired."""

    what: str
    """The kind, for programs: `version`, `label`, `share`, … (`traffic.differences`)."""
    wanted: str
    found: str
    why: str
    """What is being waited for, or what keeps it from coming true, as a sentence."""


class Configuration(Document):
    """One model's configuration. `desired` and `observed` are as in `desired.json` and `observed.json`."""

    model: str
    generation: int
    """Of the desired state: what a conditional change names."""
    desired: Told
    observed: Told | None
    """None while no supervisor serves, and before it first saw the model."""
    differences: list[Difference]


class ConfigurationWanted(Wanted):
    """A change of the desired state. Fields that are left out stay as they are.

    Shares and the labels stable, canary and previous are moved by rollouts, A/B tests and the rollback, never here.
    """

    versions: list[VersionNumber] | None = Field(None, max_length=100)
    """Held beside those that labels, aliases and pins need: loaded until the next promotion."""
    pinned: list[VersionNumber] | None = Field(None, max_length=100)
    """Held until they are unpinned, through promotions; implies held."""
    aliases: dict[str, VersionNumber] | None = Field(None, max_length=100)
    """The operator's own labels, all of them; implies held."""
    topology: Literal["dedicated", "shared"] | None = None
    why: Why = "asked for over the API"


class PlannedStep(Document):
    """One step of the supervisor's way. `kind`: start_server, configure, set_traffic, stop_server, await, stuck."""

    kind: str
    words: str
    server: str | None = None
    versions: list[int] | None = None
    labels: dict[str, int] | None = None
    shares: dict[str, float] | None = None


class Change(Document):
    """What a change does: the configuration after it, and the steps on the way. Nothing was written at a dry run."""

    dry_run: bool
    changed: bool
    """False where it was so already; then no generation was written."""
    configuration: Configuration
    steps: list[PlannedStep]


class RollbackWanted(Wanted):
    """Return at once to the version that was live before."""

    why: Why = "asked for over the API"


class History(Document):
    """What was desired when, and when it was in force; newest first. Events as in `history.jsonl`."""

    model: str
    events: list[Told]
    total: int
