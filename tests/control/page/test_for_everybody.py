"""Every view can be used by keyboard, on a phone, in the dark and with a screen reader, and is quick and small."""

from __future__ import annotations

import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tfx_rollout.control.documents import Role
from tfx_rollout.rollout import start_rollout
from tfx_rollout.rollout.plan import plan_from_dict
from tfx_rollout.testing import Behaviour, ServedRoot

from .conftest import HELD, ServedTest, reach

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def views(site):
    """Every view, with something in it: addresses, and a heading that tells that it is drawn."""
    plan = {
        "name": "quick",
        "stages": [{"share": 0.2, "min_seconds": 10}, {"share": 0.5, "min_seconds": 10}],
        "window_seconds": 5,
        "waiting_seconds": 2,
        "min_windows": 3,
    }
    tested = site.model()
    with ServedTest(tested, stable=0.02, variant_b=0.6):
        document = {
            "header": "x-user-id",
            "variants": [{"version": 2, "share": 0.5}],
            "window_seconds": 5,
            "waiting_seconds": 1,
            "min_units": 20,
        }
        metric = {"name": "conversion", "kind": "event", "within_seconds": 10}
        wanted = {"plan": {**document, "name": "tips", "metric": metric}, "why": "to see"}
        test = site.ask("POST", f"models/{tested.name}/experiments", json=wanted)["id"]
        until = time.monotonic() + 60
        while not site.get(f"models/{tested.name}/experiments/{test}")["finished"]:
            assert time.monotonic() < until
            time.sleep(0.1)
    base = site.model()
    with ServedRoot(base, Behaviour(failures=0.3)) as root:
        bad = start_rollout(base, 3, plan_from_dict(plan), by="ann", why="a bad one")
        reach(root, lambda state: state.finished)
    root = ServedRoot(base, pause=HELD)
    with root:
        good = start_rollout(base, 2, plan_from_dict(plan), by="ann", why="a new version")
        reach(root, lambda state: state.windows > 3)
        name, now = base.name, time.time()
        site.write_traffic(name, [(now - 60 + i, "stable", 1, 5.0 + i % 3, 0) for i in range(50)])
        yield {
            "": "Models",
            f"/models/{name}": "History",
            f"/models/{name}/rollouts/{good}": "Plan and report",
            f"/models/{name}/rollouts/{bad}": "Plan and report",
            f"/models/{tested.name}/experiments/{test}": "Plan and report",
            "/access": "Audit trail",
            "/nowhere": "There is nothing here",
        }


def grave(page) -> list[str]:
    """What axe-core finds that keeps somebody from using it."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_keeps_anybody_out(views, look, scheme):
    watched = look(color_scheme=scheme)
    page = watched.page
    for view, heading in views.items():
        watched.open(view)
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        assert grave(page) == [], f"{scheme} {view}"
    model = list(views)[1]
    watched.open(model)
    for button in ("Version 1: details and actions", "Abort", "Configure …"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert grave(page) == [], f"{scheme} {button}"
        page.keyboard.press("Escape")
    signed_out = look(None, color_scheme=scheme)
    signed_out.allowed = {401}
    expect(signed_out.open().get_by_role("heading", name="Sign in")).to_be_visible()
    assert grave(signed_out.page) == []


def test_the_dark_is_dark(views, look):
    shades = []
    for scheme in ("light", "dark"):
        page = look(color_scheme=scheme).open(list(views)[1])
        expect(page.get_by_role("heading", name="Versions")).to_be_visible()
        colours = page.evaluate(
            "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name].match(/[0-9]+/g).map(Number))"
        )
        shades.append([sum(colour) for colour in colours])
    (light_page, light_ink), (dark_page, dark_ink) = shades
    assert light_page > 600 > 150 > light_ink
    assert dark_page < 150 < 600 < dark_ink


def test_no_view_is_wider_than_a_phone(views, look):
    watched = look(width=320, has_touch=True)
    page = watched.page
    for view, heading in views.items():
        watched.open(view)
        expect(page.get_by_role("heading", name=heading).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, view
    assert grave(page) == []
    watched.open(list(views)[1])
    page.get_by_role("button", name="Start a rollout").scroll_into_view_if_needed()
    for button in ("Version 2: details and actions", "Configure …"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate("(dialog => dialog.scrollWidth - dialog.clientWidth)(document.getElementById('dialog'))") <= 0
        page.keyboard.press("Escape")


def test_everything_is_reached_and_done_by_keyboard_alone(views, look):
    name = list(views)[1].rsplit("/", 1)[-1]
    page = look(Role.OPERATE).open()
    expect(page.get_by_role("link", name=name)).to_be_visible()

    def focused() -> str:
        return page.evaluate("(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()")

    def tab_to(wanted: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if focused().startswith(wanted):
                # Whoever is somewhere can see where.
                assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", wanted
                return
        raise AssertionError(f"{wanted} is not reached; the last one was {focused()!r}")

    page.keyboard.press("Tab")
    assert focused() == "Skip to the content"
    expect(page.locator(".skip")).to_be_in_viewport()
    tab_to(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    tab_to("Rollout of version 2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Stages")).to_be_visible()
    tab_to("Abort")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.type("by keyboard")
    for _ in range(8):  # the focus stays in the dialog, or in the browser itself
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.getElementById('dialog').contains(document.activeElement)"
        )
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused() == "Abort"
    page.locator('[data-chart="evidence"]').focus()
    page.keyboard.press("End")
    assert "all together" in page.locator("#said").inner_text()


def test_all_that_is_loaded_is_little_and_comes_from_this_server_alone(site, views, look):
    watched = look()
    page = watched.page
    loaded: dict[str, int] = {}
    page.on("response", lambda answer: loaded.update({answer.url: int(answer.headers.get("content-length", 0))}))
    watched.open(list(views)[2])
    expect(page.get_by_role("heading", name="Plan and report")).to_be_visible()
    assert all(url.startswith(site.address) for url in loaded)
    assert sum(loaded.values()) < 1_500_000
    assert sum(size for url, size in loaded.items() if "/v1/" not in url) < 300_000
