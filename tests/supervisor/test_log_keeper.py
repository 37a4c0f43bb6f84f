"""The logs of all processes of a root, whoever writes them, within one bound."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.supervisor.log_keeper import LOOK_EVERY_S, LogKeeper
from tfx_rollout.testing import ManualClock

LOGS = ("models/taxi.log", "models/taxi~canary.log", "gateway/envoy.log", "processes/api.log")


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    for name in LOGS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x" * 100)
    return ModelStore(tmp_path)


@pytest.fixture
def looks() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def done(looks: Executor) -> None:
    """Waits until everything that was submitted before has ended."""
    looks.submit(int).result(30)


def test_every_log_that_is_too_large_is_put_aside_and_nothing_else(store, looks, tmp_path):
    access = tmp_path / "gateway" / "access" / "1700000000000.log"
    access.parent.mkdir()
    access.write_text("x" * 100)
    (tmp_path / "models" / "taxi.config").write_text("x" * 100)
    (tmp_path / "models" / "small.log").write_text("x")
    LogKeeper(store, looks, over_bytes=50).tick()
    done(looks)
    for name in LOGS:
        assert (tmp_path / name).read_text() == ""
        assert (tmp_path / f"{name}.1").read_text() == "x" * 100
    assert access.stat().st_size == (tmp_path / "models" / "taxi.config").stat().st_size == 100
    assert (tmp_path / "models" / "small.log").read_text() == "x"
    assert len(list(access.parent.iterdir())) == 1


def test_it_looks_now_and_then(store, looks, tmp_path):
    clock = ManualClock()
    keeper = LogKeeper(store, looks, over_bytes=50, clock=clock.now)
    keeper.tick()
    done(looks)
    log = tmp_path / LOGS[0]
    log.write_text("y" * 100)
    clock.advance(LOOK_EVERY_S / 2)
    keeper.tick()
    done(looks)
    assert log.stat().st_size == 100
    clock.advance(LOOK_EVERY_S / 2)
    keeper.tick()
    done(looks)
    assert log.stat().st_size == 0


def test_one_that_cannot_be_put_aside_is_told_and_the_others_are(store, looks, tmp_path, caplog):
    (tmp_path / "gateway" / "envoy.log.draft").symlink_to("/dev/full")
    with caplog.at_level(logging.WARNING):
        LogKeeper(store, looks, over_bytes=50).tick()
        done(looks)
    assert ["envoy.log" in message for message in caplog.messages] == [True]
    assert (tmp_path / "gateway" / "envoy.log").stat().st_size == 100
    assert (tmp_path / "processes" / "api.log").stat().st_size == 0


def test_a_root_without_any_process_yet_has_none(looks, tmp_path, caplog):
    LogKeeper(ModelStore(tmp_path / "new"), looks).tick()
    done(looks)
    assert caplog.messages == []
