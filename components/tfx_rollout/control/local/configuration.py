"""The configuration: what should be, what is, and changes of it as a whole."""

from __future__ import annotations

from tfx_rollout.control.documents import Change, Configuration, ConfigurationWanted, History
from tfx_rollout.control.local import changes
from tfx_rollout.control.local.changing import Changing, refuse_beside_running
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.errors import NotFound
from tfx_rollout.traffic import DesiredState, arranged


class ConfigurationPart(Changing):
    """The methods of `Control` about the configuration."""

    def configuration(self, model: str) -> Configuration:
        files = self._root.files(model)
        return self._configuration(files, files.desired(), self._observed(files))

    def configure(self, model: str, wanted: ConfigurationWanted, *, expected: int | None = None, dry_run: bool = False) -> Change:
        def configured(files: ModelFiles, state: DesiredState) -> DesiredState:
            there = files.versions()
            named = {*(wanted.versions or ()), *(wanted.pinned or ()), *(wanted.aliases or {}).values()}
            for version in sorted(named - set(state.versions) - set(there)):
                raise NotFound("version", version, f"model {files.base.name!r}", list(there)[-20:])
            held = arranged(state, loaded=wanted.versions, pinned=wanted.pinned, aliases=wanted.aliases)
            return held if wanted.topology is None else held.change(topology=wanted.topology)

        return self._change(model, "configure", configured, why=wanted.why, expected=expected, dry_run=dry_run)

    def roll_back(self, model: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        def returned(files: ModelFiles, state: DesiredState) -> DesiredState:
            refuse_beside_running(files)
            return changes.back(state)

        action = "return to the version before"
        return self._change(model, action, returned, why=why, expected=expected, dry_run=dry_run)

    def history(self, model: str, *, limit: int = 100, offset: int = 0) -> History:
        events = self._root.files(model).history()
        return History(model=model, events=events[::-1][offset : offset + limit], total=len(events))
