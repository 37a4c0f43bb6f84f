"""The report's page: of the form of a rollout's, escaped, and drawn by a real browser without a complaint."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from tfx_rollout.experiment import build_experiment_report, render_experiment_html
from tfx_rollout.testing import Habit
from tfx_rollout.traffic import Track

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@pytest.fixture
def document(world, plan):
    world.users.habits = {Track.STABLE: Habit(yes=0.2), Track.VARIANT_B: Habit(yes=0.4)}
    world.start(
        plan(name="</script><img src=x onerror=alert(1)>", variants=[{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}])
    )
    world.run()
    return build_experiment_report(world.record)


def test_the_page_says_what_the_document_says_and_runs_nothing_that_is_in_it(document):
    page = render_experiment_html(document)
    assert "<img src=x" not in page
    assert "default-src &#39;none&#39;" in page
    stable, variant, _ = document["arms"]
    for key, value in (("arms.0.users", stable["users"]), ("arms.1.evidence_better", variant["evidence_better"])):
        assert f'<data value="{value}" data-key="{key}">' in page
    assert "winner: variant-b" in page
    data = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data.group(1)) == document


def test_before_anything_was_seen_there_is_a_page_too(world, plan):
    world.start(plan())
    page = render_experiment_html(build_experiment_report(world.record))
    assert "there is nothing to draw" in page
    assert "variant-b" in page


@pytest.mark.integration
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_every_chart_is_drawn_without_a_complaint(document, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render_experiment_html(document), encoding="utf-8")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    more = ["--virtual-time-budget=5000", "--enable-logging=stderr", "--window-size=1200,900", "--dump-dom"]
    found = subprocess.run(
        [str(BROWSER), *options, *more, file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert [line for line in found.stderr.splitlines() if "CONSOLE" in line] == []
    assert found.stdout.count("<canvas") == 5
    evidence = found.stdout.split('data-chart="evidence"')[1].split("</figure>")[0]
    shown = dict(re.findall(r'class="u-label">(.*?)</div>.*?class="u-value">(.*?)</td>', evidence, re.DOTALL))
    assert float(shown["variant-b better"].replace(",", "")) == pytest.approx(document["arms"][1]["evidence_better"], rel=0.01)
