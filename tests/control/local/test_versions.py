"""Versions as they are told, and removed for good."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import Conflict, NotFound


def test_versions_are_told_newest_first_with_where_they_came_from_and_what_they_do(control):
    control.set_alias("taxi", "eu", 2, why="for Europe")
    control.pin("taxi", 2, why="a reference")
    versions = control.versions("taxi").versions
    assert [(v.version, v.labels, v.aliases, v.held, v.pinned) for v in versions] == [
        (3, [], [], False, False),
        (2, [], ["eu"], True, True),
        (1, ["stable"], [], True, False),
    ]
    assert [v.desired_share for v in versions] == [0.0, 0.0, 1.0]
    # Nothing serves: nothing is confirmed.
    assert [(v.share, v.servers) for v in versions] == [(0.0, [])] * 3
    assert versions[0].provenance == {"run": "three"}
    assert versions[0].bytes == len("three")


def test_what_the_servers_say_is_told_while_a_supervisor_serves_and_no_longer(control, base, supervised):
    with supervised(base):
        while not control.model("taxi").settled:
            continue
        live = control.version("taxi", 1)
        assert (live.share, [(s.server, s.state, s.error) for s in live.servers]) == (1.0, [("taxi", "AVAILABLE", None)])
    gone = control.version("taxi", 1)
    assert (gone.share, gone.servers) == (0.0, [])


def test_a_single_version_tells_its_files_and_an_unreadable_model_has_no_signatures(control):
    version = control.version("taxi", 2)
    assert (version.files, version.signatures) == (1, None)
    with pytest.raises(NotFound, match="There is no version 9 in model 'taxi'; known: 1, 2, 3"):
        control.version("taxi", 9)


def test_a_version_that_nothing_uses_is_removed_for_good_and_told_as_it_was(control, base):
    gone = control.retire("taxi", 2, why="never used")
    assert (gone.version, gone.provenance) == (2, {"run": "two"})
    assert base.versions() == [1, 3]
    with pytest.raises(NotFound):
        control.retire("taxi", 2, why="again")
    assert [(e.action, e.status) for e in control.audit().entries] == [("retire version 2", 404), ("retire version 2", 200)]


def test_a_version_that_anything_uses_is_not_removed(control, base, wanted):
    with pytest.raises(Conflict, match="label stable"):
        control.retire("taxi", 1, why="old")
    control.set_alias("taxi", "eu", 3, why="for Europe")
    control.pin("taxi", 3, why="a reference")
    with pytest.raises(Conflict, match="alias eu, a pin"):
        control.retire("taxi", 3, why="old")
    control.start_rollout("taxi", wanted(2))
    with pytest.raises(Conflict, match=r"Version 2 of model 'taxi' is needed by rollout .*-v2, which has not ended"):
        control.retire("taxi", 2, why="old")
    assert base.versions() == [1, 2, 3]
