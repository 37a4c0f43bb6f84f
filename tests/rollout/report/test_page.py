"""The page: all of it in one file, everything escaped, and every figure that of the document."""

from __future__ import annotations

import builtins
import json
import re
from functools import reduce
from html.parser import HTMLParser

import pytest

from tfx_rollout.errors import RolloutError
from tfx_rollout.rollout import build_report, read_rollout, start_rollout
from tfx_rollout.rollout.report import render_html
from tfx_rollout.rollout.report.page import TEMPLATE

LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction", "ping"}


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and the text of the visible ones and of each script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.scripts, self.styles = "", [], ""
        self._in = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._in = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1] += data
        elif self._in == "style":
            self.styles += data
        else:
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def document(rolled_back):
    return build_report(rolled_back)


@pytest.fixture
def page(document) -> Page:
    return Page(render_html(document))


def test_nothing_is_loaded_from_anywhere(page):
    links = [value for _, attributes in page.elements for name, value in attributes.items() if name in LOADING]
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"url\(|@import", page.styles)
    ours = "".join((TEMPLATE / name).read_text() for name in ("charts.js", "page.js"))
    assert not re.search(
        r"\b(fetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|import\s*\()", "".join(page.scripts)
    )
    assert "http" not in ours
    assert not {"iframe", "object", "embed", "base", "form"} & {name for name, _ in page.elements}


def test_a_policy_forbids_the_browser_all_but_the_pages_own_scripts(page):
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert policy.count("'sha256-") == 2
    assert "unsafe" not in policy.split("script-src")[1]


def test_what_people_wrote_is_shown_as_they_wrote_it(page, document):
    assert document["why"] in page.text
    assert len(page.scripts) == 3
    assert not page.all("img")


def test_the_drawing_library_comes_with_its_licence(page):
    assert "Permission is hereby granted" in page.scripts[1]


def test_the_page_has_the_whole_document(page, document):
    assert json.loads(page.scripts[0]) == json.loads(json.dumps(document))


def test_every_figure_is_that_of_the_document(page, document):
    figures = [attributes for attributes in page.all("data") if "data-key" in attributes]
    keys = {figure["data-key"] for figure in figures}
    assert {"harmed_share", "evidence.e_value", "threshold", "tracks.canary.failures", "stages.0.tracks.stable.p99_ms"} <= keys
    assert {"labels.canary_wrong", "weights.errors", "evidence.metrics.errors.e_value"} <= keys
    for figure in figures:
        found = reduce(
            lambda part, key: part[int(key)] if isinstance(part, list) else part[key], figure["data-key"].split("."), document
        )
        assert float(figure["value"]) == found, figure["data-key"]


def test_how_large_the_difference_is_stands_beside_the_test_that_shows_it(page, document):
    (test,) = document["evidence"]["metrics"]["errors"]["tests"]
    low, high = test["odds_ratio"]
    assert low > 1
    assert f"odds ratio {low:.3g} {'or more' if high is None else f'to {high:.3g}'}" in page.text


def test_reasons_verdicts_events_and_orders_can_be_read_without_javascript(promoted):
    document = build_report(promoted)
    text = Page(render_html(document)).text
    for sentence in (
        document["reason"],
        *(reason for row in document["verdicts"] for reason in row["reasons"]),
        *(event["reason"] for event in document["events"]),
        *(order["why"] for order in document["orders"]),
        *(gate["sentence"] for stage in document["stages"] for gate in stage["evidence"]["gates"].values()),
    ):
        assert " ".join(sentence.split()) in text
    assert "promoted" in text
    assert "tip" in text


def test_it_can_be_used_by_keyboard_in_the_dark_on_a_phone_and_on_paper(page):
    plots = [attributes for attributes in page.all("div") if "data-chart" in attributes]
    assert {plot["data-chart"] for plot in plots} == {"share", "evidence", "failures", "requests", "latency", "accuracy"}
    titles = {heading.get("id") for heading in page.all("h3")}
    assert all(plot["tabindex"] == "0" and plot["aria-labelledby"] in titles for plot in plots)
    assert page.all("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
    for media in ("(prefers-color-scheme: dark", "screen and (max-width", "print"):
        assert f"@media {media}" in page.styles


def test_every_metric_and_outcome_has_its_colour():
    from tfx_rollout.rollout.plan import METRICS

    styles = (TEMPLATE / "colours.css").read_text()
    assert all(styles.count(f"--{name}:") == 2 for name in (*METRICS, "stable", "canary", "shadow", "total"))


def test_a_rollout_that_has_not_begun_has_a_page_too(live, plan):
    rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
    page = Page(render_html(build_report(read_rollout(live.base, rollout))))
    assert "nothing to draw" in page.text
    assert not [attributes for attributes in page.all("div") if "data-chart" in attributes]


def test_ten_thousand_windows_make_a_page_of_less_than_a_megabyte_and_it_says_that_it_was_thinned(long):
    html = render_html(build_report(long))
    assert len(html) < 1_000_000
    assert "one point for each 5 windows" in html


def test_without_jinja_one_sentence_says_what_to_install(document, monkeypatch):
    real = builtins.__import__

    def without_jinja(name, *arguments, **more):
        if name == "jinja2":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without_jinja)
    with pytest.raises(RolloutError, match="pip install jinja2"):
        render_html(document)
