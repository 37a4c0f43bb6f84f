"""`rollout report`: as text, as data, and as a page."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import load_plan, start_rollout
from tfx_rollout.traffic import Label


@pytest.fixture
def place(tmp_path, saved_model):
    """A rollout of version 2 that has been asked for."""
    base = ModelStore(tmp_path / "root").model("taxi")
    for name in ("one", "two"):
        base.publish(saved_model(name))
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    start_rollout(base, 2, load_plan("demo"), by="ann", why="a test")
    return ("--root", base.store.root, "--model", "taxi")


def test_the_page_goes_to_a_file_or_to_the_standard_output(run, place, tmp_path):
    file = tmp_path / "report.html"
    written = run("rollout", "report", *place, "--html", file)
    assert written.exit_code == 0
    assert written.stdout.endswith(f": the report is in {file}\n")
    printed = run("rollout", "report", *place, "--html", "-")
    assert printed.stdout.rstrip("\n") == file.read_text()
    assert "<title>taxi version 2: running" in file.read_text()


def test_page_and_data_can_be_had_at_once(run, run_json, place, tmp_path):
    file = tmp_path / "report.html"
    document = run_json("rollout", "report", *place, "--html", file)
    assert document["schema"] == 2
    embedded = file.read_text().split('id="report">')[1].split("</script>")[0]
    assert json.loads(embedded) == document


def test_data_and_page_do_not_share_the_standard_output(run, place):
    refused = run("rollout", "report", *place, "--html", "-", "--json")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "choose one, or give --html a file" in refused.stderr


def test_a_folder_that_is_not_there_is_named(run, place, tmp_path):
    refused = run("rollout", "report", *place, "--html", tmp_path / "nowhere" / "report.html")
    assert refused.exit_code == 5
    assert refused.stderr.startswith(f"error: {tmp_path}/nowhere/report.html cannot be written")
