"""Small models on disk."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfx_rollout.model_store import BasePath, ModelStore

ModelMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for all tests; in memory where there is such a place, since what is tested is not the disk's speed."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    path = Path(tempfile.mkdtemp(prefix="model-store-", dir=place))
    # Readable by others, for the tests that give up their rights.
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(scratch: Path) -> Iterator[Path]:
    """An empty folder."""
    path = Path(tempfile.mkdtemp(dir=scratch))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(folder: Path) -> ModelStore:
    return ModelStore(folder / "root")


@pytest.fixture
def base(store: ModelStore) -> BasePath:
    return store.model("taxi")


@pytest.fixture
def make_model(folder: Path) -> ModelMaker:
    """Makes a folder that looks like a SavedModel; its content follows from the seed."""

    def make(seed: int = 1, *, size: int = 2000, at: Path | None = None) -> Path:
        path = at or folder / f"model-{seed}"
        content = random.Random(seed)
        (path / "variables").mkdir(parents=True)
        (path / "assets").mkdir()
        (path / "saved_model.pb").write_bytes(content.randbytes(300))
        (path / "variables" / "variables.index").write_bytes(content.randbytes(50))
        (path / "variables" / "variables.data-00000-of-00001").write_bytes(content.randbytes(size))
        return path

    return make
