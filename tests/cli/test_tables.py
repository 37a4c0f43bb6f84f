"""Colours on a terminal alone, and not where they are not wanted."""

from __future__ import annotations

import pytest

from tfx_rollout.cli.tables import in_short
from tfx_rollout.model_store import ModelStore
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.traffic import Label, ObservedState, ServerObservation, VersionState


@pytest.fixture
def root(tmp_path, saved_model):
    """A root with a version that does not load."""
    base = ModelStore(tmp_path / "root").model("taxi")
    base.publish(saved_model("one"))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    server = ServerObservation("taxi", versions={1: VersionState.END}, errors={1: "no graph"})
    base.write_observed(ObservedState("taxi", servers=(server,), fault="version 1 does not load on taxi"))
    with presence(base.store.root):
        announce(base.store.root, SupervisorInfo(1, "127.0.0.1:8500", "127.0.0.1:9901", 0.0))
        yield base.store.root


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_tables_are_coloured_on_a_terminal_unless_told_otherwise(terminal, root, environment, coloured):
    shown = terminal("status", "--root", root, **environment)
    assert shown.wait() == 0
    assert ("\x1b[3" in shown.shown) is coloured


def test_a_reason_is_told_by_its_first_sentence():
    assert in_short("It failed. The evidence is 3.5 of 20. So it ends.") == "It failed."
    assert in_short("1.5 times the odds") == "1.5 times the odds"
