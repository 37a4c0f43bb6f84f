"""A root with one model, "taxi", of which version 1 is live and 2 and 3 are published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.traffic import Label


@pytest.fixture(scope="session")
def make_root() -> Callable[..., BasePath]:
    """`make_root(scratch)`: such a root, for fixtures that live longer; `make_root(folder, root, "bikes")`: one more model."""
    return _make_root


@pytest.fixture
def base(scratch: Path) -> BasePath:
    """The model's base path."""
    return _make_root(scratch)


def _make_root(scratch: Path, root: Path | None = None, model: str = "taxi") -> BasePath:
    scratch.mkdir(exist_ok=True)
    base = ModelStore(root or scratch / "root").model(model)
    for mark in ("one", "two", "three"):
        source = scratch / f"source-{mark}"
        source.mkdir()
        (source / "saved_model.pb").write_bytes(mark.encode())
        base.publish(source, provenance={"run": mark})
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base
