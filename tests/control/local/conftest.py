"""A root with one model, "taxi", of which version 1 is live and 2 and 3 are published; and who asks of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfx_rollout.control.documents import Role, RolloutWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.traffic import Label


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder in memory where there is such a place, since what is tested is not the disk's speed."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="control-", dir=memory if os.access(memory, os.W_OK) else None))
    yield path
    shutil.rmtree(path)


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
def base(scratch: Path, publish) -> BasePath:
    base = ModelStore(scratch / "root").model("taxi")
    for mark in ("one", "two", "three"):
        publish(base, mark)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


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
