import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.model_server.manager import LoadPolicy, Manager
from tfx_rollout.model_server.status import Code, ServingError
from tfx_rollout.model_server.transition import State


def paths(*versions: int) -> dict[int, Path]:
    return {v: Path(f"/models/m/{v}") for v in versions}


def states(manager: Manager) -> dict[int, State]:
    return {v: s.state for v, s in manager.statuses("m").items()}


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.001)


def await_states(manager: Manager, expected: dict[int, State]) -> None:
    await_that(lambda: states(manager) == expected)


def answering(manager: Manager, version: int | None = None) -> int:
    with manager.use("m", version) as servable:
        return servable.version


def test_the_highest_available_version_answers_a_request_without_a_version(loader):
    manager = Manager(loader, LoadPolicy())
    manager.set_aspired("m", paths(1, 2))
    await_states(manager, {1: State.AVAILABLE, 2: State.AVAILABLE})
    assert (answering(manager), answering(manager, 1)) == (2, 1)


@pytest.mark.parametrize(("version", "asked"), [(None, "Latest(m)"), (7, "Specific(m, 7)")])
def test_what_is_not_available_is_not_found(loader, version, asked):
    with pytest.raises(ServingError) as caught:
        answering(Manager(loader, LoadPolicy()), version)
    assert str(caught.value) == f"NOT_FOUND: Servable not found for request: {asked}"


def test_the_old_version_goes_only_after_the_new_one_came(loader):
    manager = Manager(loader, LoadPolicy())
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    manager.set_aspired("m", paths(2))
    await_states(manager, {1: State.END, 2: State.AVAILABLE})
    assert loader.sessions[1].closed
    assert not loader.sessions[2].closed


def test_a_new_version_that_fails_leaves_the_old_one_in_service(loader):
    manager = Manager(loader, LoadPolicy(retries=2, interval_s=-1))
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    loader.broken[2] = -1
    manager.set_aspired("m", paths(2))
    await_states(manager, {1: State.AVAILABLE, 2: State.END})
    assert loader.attempts == [1, 2, 2, 2]
    error = manager.statuses("m")[2].error
    assert error is not None
    assert error.code is Code.NOT_FOUND
    assert answering(manager) == 1


def test_a_failed_version_is_tried_again_only_after_it_was_unwanted(loader):
    manager = Manager(loader, LoadPolicy(retries=0))
    loader.broken[1] = 1
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.END})
    manager.set_aspired("m", paths(1))
    assert loader.attempts == [1]
    manager.set_aspired("m", {})
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})


def test_a_load_that_waits_for_its_next_attempt_holds_up_no_other_and_can_be_called_off(loader):
    manager = Manager(loader, LoadPolicy(retries=5, interval_s=600))
    loader.broken[2] = -1
    manager.set_aspired("m", paths(2))
    await_that(lambda: loader.attempts == [2])
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE, 2: State.END})


def test_an_unload_waits_for_the_requests_it_is_answering(loader):
    manager = Manager(loader, LoadPolicy())
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    with manager.use("m", 1):
        manager.set_aspired("m", {})
        await_states(manager, {1: State.UNLOADING})
        with pytest.raises(ServingError):
            answering(manager, 1)
        assert not loader.sessions[1].closed
    await_states(manager, {1: State.END})
    assert loader.sessions[1].closed


def test_a_version_wanted_again_while_it_leaves_comes_back(loader):
    manager = Manager(loader, LoadPolicy())
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    with manager.use("m", 1):
        manager.set_aspired("m", {})
        manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    assert loader.attempts == [1, 1]


def test_waiting_ends_when_every_model_answers_or_has_failed(loader):
    manager = Manager(loader, LoadPolicy(retries=0))
    loader.broken[9] = -1
    manager.set_aspired("m", paths(1))
    manager.set_aspired("bad", paths(9))
    failed = manager.wait_until_available(["m", "bad"], 5)
    assert failed.keys() == {"bad"}
    with pytest.raises(ServingError, match="in time"):
        manager.wait_until_available(["nobody"], 0.01)


def test_requests_never_fail_while_versions_come_and_go(loader):
    """Many threads ask for the latest version while it is replaced over and over."""
    manager = Manager(loader, LoadPolicy())
    manager.set_aspired("m", paths(1))
    await_states(manager, {1: State.AVAILABLE})
    done, failures, answers = threading.Event(), [], set()

    def ask() -> None:
        while not done.is_set():
            try:
                answers.add(answering(manager))
            except ServingError as error:
                failures.append(error)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for version in range(2, 30):
        manager.set_aspired("m", paths(version))
        manager.wait_until_available(["m"], 5)
    done.set()
    for asker in askers:
        asker.join()
    assert failures == []
    assert len(answers) > 1
