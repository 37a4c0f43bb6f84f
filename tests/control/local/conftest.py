"""Who asks of a root by its files, and what there is to ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.control.documents import Role, RolloutWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import BasePath, ModelStore


@pytest.fixture
def publish(scratch: Path) -> Callable[[BasePath, str], int]:
    """`publish(base, mark)`: a further version; its content follows from the mark."""

    def publish(base: BasePath, mark: str) -> int:
        folder = scratch / f"source-{mark}"
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(mark.encode())
        return base.publish(folder, provenance={"run": mark}).version

    return publish


@pytest.fixture
def asked_by(base: BasePath) -> Callable[..., LocalControl]:
    """`asked_by("ben")`: what that person has, in a process of their own, as it were."""
    return lambda by, role=Role.ADMIN: LocalControl(ModelStore(base.store.root), by=by, role=role)


@pytest.fixture
def control(asked_by) -> LocalControl:
    return asked_by("ann")


@pytest.fixture
def wanted(plan) -> Callable[..., RolloutWanted]:
    """`wanted(version, promotion="automatic")`: a rollout by a quick plan with these changes."""
    return lambda version=2, **changes: RolloutWanted(version=version, plan={**plan, **changes}, why="a new version")
