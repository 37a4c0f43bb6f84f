"""The page in a real browser: it draws without a complaint, and its legends say what the document says."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tfx_rollout.rollout import build_report
from tfx_rollout.rollout.report import render_html

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)

pytestmark = [pytest.mark.integration, pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")]


@pytest.fixture
def browse(tmp_path):
    """Opens a page and returns its DOM after scripts have run, and what the console said."""

    def browse(page: str, *more: str) -> tuple[str, list[str]]:
        file = tmp_path / "report.html"
        file.write_text(page, encoding="utf-8")
        found = subprocess.run(
            [
                str(BROWSER),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={tmp_path / 'profile'}",
                "--window-size=1200,900",
                "--virtual-time-budget=5000",
                "--enable-logging=stderr",
                *more,
                file.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return found.stdout, [line for line in found.stderr.splitlines() if "CONSOLE" in line]

    return browse


def legends(dom: str) -> dict[str, dict[str, str]]:
    """Per chart the values that its legend shows, by label."""
    found = {}
    for part in dom.split('data-chart="')[1:]:
        name, rest = part.split('"', 1)
        pairs = re.findall(r'class="u-label">(.*?)</div>.*?class="u-value">(.*?)</td>', rest.split("</figure>")[0], re.DOTALL)
        found[name] = {label: html.unescape(value) for label, value in pairs}
    return found


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.e+-]", "", text.split("\u00a0")[0]))


def test_every_chart_is_drawn_and_shows_the_documents_last_figures(rolled_back, browse):
    document = build_report(rolled_back)
    dom, complaints = browse(render_html(document), "--dump-dom")
    assert complaints == []
    shown, series = legends(dom), document["series"]
    assert set(shown) == {"share", "evidence", "failures", "requests", "latency", "accuracy"}
    assert dom.count("<canvas") == len(shown)
    close = {"rel": 0.006}
    canary = series["tracks"]["canary"]
    assert number(shown["evidence"]["all together"]) == pytest.approx(document["evidence"]["e_value"], rel=0.06)
    assert number(shown["share"]["served"]) == pytest.approx(100 * series["share_served"][-1], **close)
    assert number(shown["failures"]["canary"]) == pytest.approx(100 * canary["failures"][-1] / canary["requests"][-1], **close)
    assert number(shown["latency"]["canary p99"]) == pytest.approx(canary["p99_ms"][-1], **close)
    seconds = series["end"][-1] - series["start"][-1]
    assert number(shown["requests"]["canary"]) == pytest.approx(canary["requests"][-1] / seconds, **close)
    labels = document["labels"]
    assert number(shown["accuracy"]["candidate"]) == pytest.approx(100 * (1 - labels["canary_wrong"] / labels["canary"]), **close)


def test_a_very_long_rollout_is_drawn_too(long, browse):
    dom, complaints = browse(render_html(build_report(long)), "--dump-dom")
    assert complaints == []
    assert dom.count("<canvas") == 6


def test_it_prints(promoted, browse, tmp_path):
    paper: Path = tmp_path / "report.pdf"
    _, complaints = browse(render_html(build_report(promoted)), f"--print-to-pdf={paper}")
    assert complaints == []
    assert paper.read_bytes().startswith(b"%PDF")
    assert paper.stat().st_size > 20_000
