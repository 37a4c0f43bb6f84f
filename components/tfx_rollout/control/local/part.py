"""What the parts of `LocalControl` have in common: the root, who asks, and the record of changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from tfx_rollout.audit import AuditLog
from tfx_rollout.control.access.feedback_tally import FeedbackTally
from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role
from tfx_rollout.control.local.model_files import ModelFiles
from tfx_rollout.control.local.presence import RootPresence
from tfx_rollout.control.local.read_cache import ReadCache
from tfx_rollout.errors import NotFound
from tfx_rollout.model_store import BasePath, ModelStore


@dataclass
class Root:
    """What is shared by all who ask of one root: its files, and what was read of them."""

    store: ModelStore
    cache: ReadCache = field(default_factory=ReadCache)
    models: dict[str, ModelFiles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folder = self.store.access_dir
        self.presence = RootPresence(self.store)
        self.audit = AuditLog(folder)
        self.feedback = FeedbackTally()
        self.tokens = TokenFile(folder)

    def files(self, model: str) -> ModelFiles:
        """The files of a model that is there. Raises `InvalidInput` for what cannot be a name, and `NotFound`."""
        known = self.models.get(model)
        base: BasePath = self.store.model(model) if known is None else known.base
        if not base.exists():
            raise NotFound("model", model, f"the root {self.store.root}", self.store.models())
        if known is None:
            known = self.models[model] = ModelFiles(base, self.cache)
        return known


class Part:
    """The root and who asks."""

    def __init__(self, root: Root, by: str, role: Role) -> None:
        self._root = root
        self.by, self.role = by, role

    def _recorded(self, action: str, model: str | None = None, **facts: Any) -> AbstractContextManager[Callable[[str], None]]:
        """Records the change that the block makes, whatever comes of it. The block is given a function that says what did."""
        return self._root.audit.recorded(self.by, str(self.role), action, model, facts)
