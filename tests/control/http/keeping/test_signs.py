"""A sign differs where anything of the model does, and is the same where nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfx_rollout.control.http.keeping.signs import NEWEST, Sign, Signs
from tfx_rollout.errors import InvalidInput
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import plan_from_dict, send_order, start_rollout
from tfx_rollout.traffic import ObservedState


@pytest.fixture
def signs(base: BasePath) -> Signs:
    return Signs(base.store)


def settled(sign: Callable[[], Sign]) -> Sign:
    """The sign once a further change is sure to show."""
    while not (found := sign()).settled:
        time.sleep(0.005)
    return found


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
def test_it_differs_after(base: BasePath, scratch: Path, signs: Signs, change):
    before, all_before = settled(lambda: signs.of("taxi")), settled(signs.of_all)
    change(base, scratch)
    after = signs.of("taxi")
    assert after != before
    assert not after.settled
    assert signs.of_all() != all_before


def test_it_differs_after_a_rollout_began_and_after_an_order(base: BasePath, signs: Signs, plan):
    at_first = settled(lambda: signs.of("taxi"))
    rollout = start_rollout(base, 2, plan_from_dict(plan), by="ann", why="new")
    assert signs.of("taxi") != at_first
    before = settled(lambda: signs.of("taxi"))
    send_order(base, rollout, "abort", by="ann", why="enough")
    assert signs.of("taxi") != before


def test_it_differs_after_a_control_file_was_written_where_it_is(base: BasePath, signs: Signs):
    before = settled(lambda: signs.of("taxi"))
    with (base.control / "desired.json").open("a") as file:
        file.write(" ")
    assert signs.of("taxi") != before


def test_it_is_the_same_while_nothing_changes_though_somebody_looks_whether_to_change_something(base: BasePath, signs: Signs):
    before = settled(lambda: signs.of("taxi"))
    with base.lock():
        assert signs.of("taxi") == before
    assert signs.of("taxi") == before


@pytest.mark.parametrize("kind", ["rollout", "experiment"])
def test_of_records_that_are_older_than_the_newest_it_tells_where_they_are_named(base: BasePath, signs: Signs, kind):
    ids = [f"2026010{number}T000000-v1" for number in range(1, NEWEST + 2)]
    for id in ids:
        folder = base.control / f"{kind}s" / id
        folder.mkdir(parents=True)
        (folder / "state.json").write_text("{}")
    before = settled(lambda: signs.of("taxi"))
    before_with_the_oldest = settled(lambda: signs.of("taxi", **{kind: ids[0]}))
    (base.control / f"{kind}s" / ids[0] / "state.json").write_text("{ }")
    assert signs.of("taxi") == before
    assert signs.of("taxi", **{kind: ids[0]}) != before_with_the_oldest


def test_what_cannot_be_an_id_leads_nowhere(base: BasePath, signs: Signs):
    (base.path / "secret").mkdir()
    (base.path / "secret" / "file").write_text("")
    settled(lambda: signs.of("taxi"))
    assert signs.of("taxi", rollout="../../secret") == signs.of("taxi")
    assert signs.of("taxi", rollout="a\0b") == signs.of("taxi")


def test_a_model_that_is_not_there_has_a_sign_too_which_differs_once_it_is(base: BasePath, signs: Signs):
    before = signs.of("bikes")
    assert before != settled(lambda: signs.of("taxi"))
    base.store.model("bikes").create()
    assert signs.of("bikes") != before


def test_names_that_somebody_makes_up_take_no_memory_in_the_end(base: BasePath, signs: Signs, monkeypatch):
    monkeypatch.setattr("tfx_rollout.control.http.keeping.signs.MOST_MODELS", 3)
    for number in range(10):
        signs.of(f"bikes-{number}")
    assert len(signs._folders) <= 3
    with pytest.raises(InvalidInput):
        signs.of("../taxi")
