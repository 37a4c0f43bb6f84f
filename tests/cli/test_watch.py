"""A rollout watched on a terminal and without one, on the files and over HTTP."""

from __future__ import annotations

import json
import re

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import list_rollouts, plan_from_dict, start_rollout
from tfx_rollout.traffic import Label

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""Of the terminal's second screen, which leaves the first as it was."""
CURSOR = "\x1b[?25h"


@pytest.fixture
def base(tmp_path, saved_model):
    base = ModelStore(tmp_path / "root").model("taxi")
    for name in ("one", "two"):
        base.publish(saved_model(name))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture(params=["--root", "--server"])
def place(request, base, serve_api):
    root = base.store.root
    return (request.param, root if request.param == "--root" else serve_api(root), "--model", "taxi")


@pytest.fixture
def endless(plan):
    """A plan whose only stage goes on and on."""
    stage = {**plan["stages"][0], "min_seconds": 500_000, "max_seconds": 600_000}
    return plan_from_dict({**plan, "stages": [stage]})


def test_the_view_follows_a_rollout_to_its_end_and_leaves_the_report(terminal, place, base, supervised, plan):
    with supervised(base, failures=0.1):
        start_rollout(base, 2, plan_from_dict(plan), by="ann", why="a better model")
        shown = terminal("rollout", "watch", *place)
        assert shown.wait() == 1
    screen, _, after = shown.shown.partition(LEAVE)
    assert ENTER in screen
    assert "taxi version 2" in screen
    assert CURSOR in shown.shown
    for part in ("Evidence against it", "rolled back", "Tracks, in"):
        assert part in screen
    assert "Outcome   rolled back" in after
    assert "\x1b[" not in after.replace(CURSOR, "")


def test_the_view_changes_in_place_and_with_the_terminal_and_ctrl_c_leaves_the_rollout_alone(
    terminal, base, place, supervised, endless
):
    with supervised(base):
        rollout = start_rollout(base, 2, endless, by="ann", why="a better model")
        shown = terminal("rollout", "watch", *place, columns=120)
        shown.await_shown("Evidence against it", "in force for", "compared")
        drawn = len(shown.shown)
        shown.resize(60, 30)
        # The column of the counts has no place on a narrow terminal, and the latest sections none on a low one.
        shown.await_shown("no room for: ", since=drawn)
        shown.await_that(lambda text: len(set(re.findall(r"Tracks, in (\d+) windows", text))) > 2, "figures that change")
        shown.type("\x03")
        assert shown.wait() == 130
        _, _, after = shown.shown.partition(LEAVE)
        assert CURSOR in shown.shown
        assert f"rollout {rollout} goes on" in after
        assert "Traceback" not in shown.shown
        assert not list_rollouts(base)[0].finished


@pytest.mark.parametrize("options", [{"TERM": "dumb"}, {"columns": 50}])
def test_where_no_view_can_be_drawn_there_are_lines(terminal, base, supervised, plan, options):
    with supervised(base):
        start_rollout(base, 2, plan_from_dict({**plan, "promotion": "automatic"}), by="ann", why="a better model")
        shown = terminal("rollout", "watch", "--root", base.store.root, "--model", "taxi", **options)
        assert shown.wait() == 0
    assert ENTER not in shown.shown
    assert "begin → loading" in shown.shown


def test_lines_can_be_asked_for_on_a_terminal_and_have_no_colours(terminal, base, supervised, plan):
    with supervised(base):
        start_rollout(base, 2, plan_from_dict({**plan, "promotion": "automatic"}), by="ann", why="a better model")
        shown = terminal("rollout", "watch", "--plain", "--root", base.store.root, "--model", "taxi")
        assert shown.wait() == 0
    assert "\x1b" not in shown.shown
    assert "Outcome   promoted" in shown.shown


def test_the_lines_are_the_same_on_the_files_and_over_http(run, base, serve_api, supervised, plan):
    with supervised(base, failures=0.1):
        start_rollout(base, 2, plan_from_dict(plan), by="ann", why="a better model")
        here = run("rollout", "watch", "--root", base.store.root, "--model", "taxi")
    there = run("rollout", "watch", "--server", serve_api(base.store.root), "--model", "taxi")
    assert (there.exit_code, there.stdout) == (here.exit_code, here.stdout) == (1, here.stdout)
    assert "window 1 until" in here.stdout
    lines = run("rollout", "watch", "--server", serve_api(base.store.root), "--model", "taxi", "--json").stdout.splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert {*kinds[:-1]} == {"event", "verdict"}
    assert kinds[-1] == "report"


def test_watching_until_decided_ends_while_it_holds(run, base, place, supervised, plan):
    with supervised(base):
        start_rollout(base, 2, plan_from_dict(plan), by="ann", why="a better model")
        decided = run("rollout", "watch", *place, "--until-decided")
    assert decided.exit_code == 0
    assert "Outcome   passed" in decided.stdout
    assert not list_rollouts(base)[0].finished


def test_started_and_watched_in_one_go(run, base, place, supervised, plan, tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({**plan, "promotion": "automatic"}))
    with supervised(base):
        done = run("rollout", "start", *place, "--plan", file, "--watch")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("rollout ")
    assert "version 2 of taxi by plan quick" in done.stdout
    assert "Outcome   promoted" in done.stdout
