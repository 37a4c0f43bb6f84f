"""The journal of a rollout gives back what was written, and says clearly what it cannot read."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import CorruptState, NotFound
from tfx_rollout.rollout import RolloutState, build_report, read_rollout, start_rollout
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.testing import Behaviour


@pytest.fixture
def journal(live, plan) -> Journal:
    live.canary(Behaviour(failures=0.2))
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    live.run()
    return Journal(live.base, rollout)


def test_a_state_comes_back_from_json_bit_by_bit(journal):
    state = journal.state()
    assert RolloutState.from_json(state.to_json()) == state


def test_the_plan_is_kept_as_it_was(journal, plan):
    assert journal.plan() == plan()


def test_a_state_of_another_schema_is_corrupt_state_and_not_a_crash(journal):
    path = journal.path / "state.json"
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 99', 1))
    with pytest.raises(CorruptState, match=r"state\.json cannot be used .*schema 99"):
        journal.state()


def test_a_missing_rollout_is_not_found(live):
    with pytest.raises(NotFound, match="There is no rollout x in model 'm'; known: none"):
        Journal(live.base, "x").state()


def test_a_report_needs_nothing_but_the_journal(live, journal):
    before = build_report(read_rollout(live.base, journal.id))
    (live.base.control / "observed.json").unlink()
    assert build_report(read_rollout(live.base, journal.id)) == before
