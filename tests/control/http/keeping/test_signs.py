"""A sign differs where anything of the model does, and is the same where nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.control.http.keeping.signs import NEWEST, Sign, sign_of
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import plan_from_dict, send_order, start_rollout
from tfx_rollout.traffic import ObservedState


def settled(base: BasePath, *folders: Path) -> Sign:
    """The sign once a further change is sure to show."""
    while not (sign := sign_of(base, *folders)).settled:
        time.sleep(0.005)
    return sign


def publish(base: BasePath, scratch: Path) -> None:
    source = scratch / "source-four"
    source.mkdir()
    (source / "saved_model.pb").write_bytes(b"four")
    base.publish(source)


def desire(base: BasePath, _: Path) -> None:
    before = base.desired()
    base.write_desired(before.change(pinned=(1,)), expected=before.generation)


CHANGES: dict[str, Callable[[BasePath, Path], object]] = {
    "a version comes": publish,
    "a version goes": lambda base, _: base.remove_version(3),
    "something is desired": desire,
    "something is observed": lambda base, _: base.write_observed(ObservedState("taxi")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_it_differs_after(base: BasePath, scratch: Path, change):
    before = settled(base)
    change(base, scratch)
    after = sign_of(base)
    assert after != before
    assert not after.settled


def test_it_differs_after_a_rollout_began_and_after_an_order(base: BasePath, plan):
    at_first = settled(base)
    rollout = start_rollout(base, 2, plan_from_dict(plan), by="ann", why="new")
    assert sign_of(base) != at_first
    before = settled(base)
    send_order(base, rollout, "abort", by="ann", why="enough")
    assert sign_of(base) != before


def test_it_is_the_same_while_nothing_changes_though_somebody_looks_whether_to_change_something(base: BasePath):
    before = settled(base)
    with base.lock():
        assert sign_of(base) == before
    assert sign_of(base) == before


def test_of_records_that_are_older_than_the_newest_it_tells_where_they_are_asked_for(base: BasePath):
    folders = [base.control / "rollouts" / f"2026010{number}T000000-v1" for number in range(1, NEWEST + 2)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "state.json").write_text("{}")
    before, before_with_the_oldest = settled(base), settled(base, folders[0])
    (folders[0] / "state.json").write_text("{ }")
    assert sign_of(base) == before
    assert sign_of(base, folders[0]) != before_with_the_oldest


def test_a_model_that_is_not_there_has_a_sign_too(base: BasePath):
    assert sign_of(base.store.model("bikes")) != settled(base)
