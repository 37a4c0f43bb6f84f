"""An A/B test watched to its end, line by line and as a view, on the files and over HTTP."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.experiment import load_experiment_plan, start_experiment
from tfx_rollout.model_store import ModelStore
from tfx_rollout.traffic import Label

PLAN = "header: x-user\nvariants: [{version: 2, share: 0.5}]\nmetric: {name: conversion, kind: event, within_seconds: 60}\n"


@pytest.fixture
def base(tmp_path, saved_model):
    base = ModelStore(tmp_path / "root").model("taxi")
    for name in ("one", "two"):
        base.publish(saved_model(name))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    return base


@pytest.fixture
def experiment(base, tmp_path):
    """The id of an A/B test that waits for a supervisor."""
    file = tmp_path / "ranking.yaml"
    file.write_text(PLAN)
    return start_experiment(base, load_experiment_plan(file), by="ann", why="to see")


@pytest.fixture
def ended(run, base, experiment, carry_out_experiments):
    """It was stopped before the supervisor saw it."""
    run("ab-test", "stop", "--root", base.store.root, "--model", "taxi", "--by", "ben", "--why", "enough")
    carry_out_experiments(base)
    return experiment


@pytest.fixture(params=["--root", "--server"])
def place(request, base, serve_api):
    root = base.store.root
    return (request.param, root if request.param == "--root" else serve_api(root), "--model", "taxi")


def test_its_events_are_told_and_at_the_end_its_report(run, ended, place):
    watched = run("ab-test", "watch", *place)
    assert watched.exit_code == 0
    assert "ben ordered to stop: enough" in watched.stdout
    assert f"A/B test {ended} of model taxi: ranking" in watched.stdout
    lines = [json.loads(line) for line in run("ab-test", "watch", *place, "--json").stdout.splitlines()]
    assert [line["type"] for line in lines] == ["event"] * (len(lines) - 1) + ["report"]
    assert lines[-1]["outcome"] == "stopped"


def test_on_a_terminal_it_is_a_view_that_ctrl_c_leaves(terminal, experiment, place):
    shown = terminal("ab-test", "watch", *place)
    shown.await_shown("taxi: A/B test ranking", "judged by conversion", "Arms")
    shown.type("\x03")
    assert shown.wait() == 130
    _, left, after = shown.shown.partition("\x1b[?1049l")
    assert left, shown.shown
    assert f"A/B test {experiment} goes on" in after
    assert "Traceback" not in shown.shown
