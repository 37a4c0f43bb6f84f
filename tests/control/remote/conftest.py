"""A root that is asked by its files and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tfx_rollout.control.interface import Control
from tfx_rollout.control.local import LocalControl
from tfx_rollout.control.remote import RemoteControl
from tfx_rollout.errors import RolloutError
from tfx_rollout.model_store import BasePath, ModelStore


@pytest.fixture
def local(base: BasePath) -> LocalControl:
    # Whoever asks over loopback while no token was made is called so; then both say the same.
    return LocalControl(ModelStore(base.store.root), by="local")


@pytest.fixture
def remote(base: BasePath, serve_api) -> Iterator[RemoteControl]:
    control = RemoteControl(serve_api(base.store.root))
    yield control
    control.close()


@pytest.fixture(params=["local", "remote"])
def control(request: pytest.FixtureRequest) -> Control:
    """Either way, one after the other."""
    found: Control = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def both(local: LocalControl, remote: RemoteControl) -> Callable[[Callable[[Control], object]], object]:
    """Asks both ways, sees that the answers are the same, and gives the answer."""

    def ask(question: Callable[[Control], object]) -> object:
        here, there = _answer(question, local), _answer(question, remote)
        assert type(here) is type(there)
        assert repr(here) == repr(there)
        return here

    return ask


def _answer(question: Callable[[Control], object], control: Control) -> object:
    try:
        return question(control)
    except RolloutError as error:
        return error
