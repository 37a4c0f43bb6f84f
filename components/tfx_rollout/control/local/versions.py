"""Versions: what is there, what is held, and what goes for good."""

from __future__ import annotations

from dataclasses import asdict

from tfx_rollout.control.documents import Change, Version, Versions
from tfx_rollout.control.documents.json_form import json_form
from tfx_rollout.control.local import changes
from tfx_rollout.control.local.changing import Changing
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.version_documents import version_document
from tfx_rollout.errors import Conflict, InvalidModel, NotFound
from tfx_rollout.saved_model import read_signatures
from tfx_rollout.traffic import DesiredState


class VersionsPart(Changing):
    """The methods of `Control` about versions."""

    def versions(self, model: str) -> Versions:
        files = self._root.files(model)
        desired, observed = files.desired(), self._observed(files)
        there = sorted(files.versions(), reverse=True)
        return Versions(model=model, versions=[version_document(v, files.manifest(v), desired, observed) for v in there])

    def version(self, model: str, version: int) -> Version:
        return self._version(self._root.files(model), version)

    def load(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        def loaded(files: ModelFiles, state: DesiredState) -> DesiredState:
            _require(files, version)
            return changes.load(state, version)

        return self._change(model, f"load version {version}", loaded, why=why, expected=expected, dry_run=dry_run)

    def unload(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        def unloaded(files: ModelFiles, state: DesiredState) -> DesiredState:
            if version not in state.versions:
                _require(files, version)
            return changes.unload(state, version, running=files.needing(version))

        return self._change(model, f"unload version {version}", unloaded, why=why, expected=expected, dry_run=dry_run)

    def pin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        def pinned(files: ModelFiles, state: DesiredState) -> DesiredState:
            _require(files, version)
            return changes.pin(state, version)

        return self._change(model, f"pin version {version}", pinned, why=why, expected=expected, dry_run=dry_run)

    def unpin(self, model: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        def unpinned(files: ModelFiles, state: DesiredState) -> DesiredState:
            if version not in state.pinned:
                _require(files, version)
            return changes.unpin(state, version)

        return self._change(model, f"unpin version {version}", unpinned, why=why, expected=expected, dry_run=dry_run)

    def set_alias(
        self, model: str, alias: str, version: int, *, why: str, expected: int | None = None, dry_run: bool = False
    ) -> Change:
        def named(files: ModelFiles, state: DesiredState) -> DesiredState:
            _require(files, version)
            return changes.name(state, alias, version)

        return self._change(model, f"let {alias} name version {version}", named, why=why, expected=expected, dry_run=dry_run)

    def remove_alias(self, model: str, alias: str, *, why: str, expected: int | None = None, dry_run: bool = False) -> Change:
        return self._change(
            model,
            f"remove the alias {alias}",
            lambda _, state: changes.unname(state, alias),
            why=why,
            expected=expected,
            dry_run=dry_run,
        )

    def retire(self, model: str, version: int, *, why: str) -> Version:
        with self._recorded(f"retire version {version}", model, why=why):
            files = self._root.files(model)
            before = self._version(files, version)
            with files.base.lock():
                needing = files.needing(version)
                if needing is not None:
                    raise Conflict(
                        f"Version {version} of model {model!r} is needed by {needing}, which has not ended; end that first."
                    )
                files.base.remove_version(version)
            return before

    def _version(self, files: ModelFiles, version: int) -> Version:
        there = files.versions()
        if version not in there:
            raise _not_found(files, version, list(there))
        manifest = files.manifest(version)
        document = version_document(version, manifest, files.desired(), self._observed(files))
        try:
            signatures = {name: asdict(signature) for name, signature in read_signatures(there[version]).items()}
        except InvalidModel:
            signatures = None
        return document.model_copy(
            update={"signatures": json_form(signatures), "files": None if manifest is None else len(manifest.files)}
        )


def _require(files: ModelFiles, version: int) -> None:
    there = files.versions()
    if version not in there:
        raise _not_found(files, version, list(there))


def _not_found(files: ModelFiles, version: int, there: list[int]) -> NotFound:
    return NotFound("version", version, f"model {files.base.name!r}", there[-20:])
