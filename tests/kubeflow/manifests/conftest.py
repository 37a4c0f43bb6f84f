"""Our kustomizations, rendered; and one to take apart."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from manifests.lint.kustomize import render

MANIFESTS = Path(__file__).parents[3] / "kubeflow" / "manifests"
FOLDERS = ["base", *sorted(folder.relative_to(MANIFESTS).as_posix() for folder in (MANIFESTS / "overlays").iterdir())]

Document = dict[str, Any]


@pytest.fixture(params=FOLDERS)
def folder(request) -> Path:
    """Each folder with a kustomization, in turn."""
    return MANIFESTS / request.param


@pytest.fixture(scope="session")
def documents() -> Callable[[str], list[Document]]:
    """The documents of a folder, to be changed at will."""
    rendered = cache(lambda name: render(MANIFESTS / name))
    return lambda name: copy.deepcopy(rendered(name))
