"""The files of the page: all there, all used, small, and nothing in them that the policy forbids."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath

import pytest

from tfx_rollout.control.page import POLICY, page_files

FILES = page_files()
MODULES = {name: file.content.decode() for name, file in FILES.items() if name.startswith("js/")}


def imports(name: str) -> set[str]:
    return {normpath(join(dirname(name), found)) for found in re.findall(r'from "([^"]+)"', MODULES[name])}


def test_every_file_that_is_asked_for_is_there():
    named = set(re.findall(r'(?:src|href)="/page/([^"]+)"', FILES["index.html"].content.decode()))
    assert {"js/main.js", "charts.js", "colours.css", "common.css", "page.css", "uplot/uPlot.iife.min.js"} <= named
    assert named <= FILES.keys()
    for name in MODULES:
        assert imports(name) <= MODULES.keys(), name


def test_every_module_is_used():
    used, ahead = set(), {"js/main.js"}
    while ahead:
        used |= ahead
        ahead = {found for name in ahead for found in imports(name)} - used
    assert used == MODULES.keys()


def test_all_of_it_is_small_and_each_module_is_short():
    assert sum(len(file.content) for file in FILES.values()) < 300_000
    assert all(len(text.splitlines()) <= 300 for text in MODULES.values())


def test_nothing_is_inline_and_the_policy_allows_nothing_that_is():
    page = FILES["index.html"].content.decode()
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", page)
    assert "unsafe" not in POLICY
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ")


@pytest.mark.parametrize("name", [*MODULES, "charts.js"])
def test_data_never_becomes_markup_or_program(name):
    text = FILES[name].content.decode()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser", text)


def test_nothing_comes_from_elsewhere():
    for name, text in {**MODULES, "charts.js": FILES["charts.js"].content.decode()}.items():
        assert set(re.findall(r"https?://[^\"'`\s]+", text)) <= {"http://www.w3.org/2000/svg"}, name
    for name in ("colours.css", "common.css", "page.css"):
        assert not re.search(rb"url\(|@import", FILES[name].content), name


def test_an_etag_changes_with_its_content():
    assert len({file.etag for file in FILES.values()}) == len(FILES)
