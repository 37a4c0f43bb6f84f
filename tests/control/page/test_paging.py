"""Lists are read a page at a time, by keyboard as well, and who reads older entries stays at them while newer ones come."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Locator, Page, expect

from tfx_rollout.rollout import start_rollout
from tfx_rollout.rollout.plan import plan_from_dict

from .conftest import HELD, reach

pytestmark = pytest.mark.integration


def first_cells(page: Page, table: str) -> list[str]:
    found = page.get_by_role("table", name=table).locator("tbody tr td:first-child").all()
    return [cell.inner_text() for cell in found]


def turner(page: Page, of: str) -> Locator:
    return page.get_by_role("group", name=f"Pages of {of}")


def change(base, times: int) -> None:
    """So many more generations."""
    for _ in range(times):
        before = base.desired()
        base.write_desired(before.change(pinned=() if before.pinned else (1,)), expected=before.generation)


def await_in_force(base) -> None:
    """Until what is wanted is what is there."""
    wanted, until = base.desired().generation, time.monotonic() + 30
    while (observed := base.observed()) is None or observed.generation < wanted:
        assert time.monotonic() < until
        time.sleep(0.002)


def test_older_entries_are_reached_by_keyboard_and_stay_while_newer_ones_come(site, look):
    base = site.model()
    change(base, 44)  # 45 with the first
    page = look().open(f"/models/{base.name}")
    table, of = "Generations of the configuration", "entries of the history"
    expect(turner(page, of)).to_contain_text("1 to 20 of 45")
    assert first_cells(page, table) == [str(number) for number in range(45, 25, -1)]
    newer, older = (page.get_by_role("button", name=f"{way} {of}") for way in ("Newer", "Older"))
    expect(newer).to_have_attribute("aria-disabled", "true")
    older.focus()
    page.keyboard.press("Enter")
    expect(turner(page, of)).to_contain_text("21 to 40 of 45")
    expect(page.locator("#said")).to_have_text("entries of the history 21 to 40 of 45")
    expect(older).to_be_focused()
    assert first_cells(page, table) == [str(number) for number in range(25, 5, -1)]
    change(base, 3)
    expect(turner(page, of)).to_contain_text("24 to 43 of 48")
    assert first_cells(page, table) == [str(number) for number in range(25, 5, -1)]
    page.keyboard.press("Enter")
    expect(turner(page, of)).to_contain_text("44 to 48 of 48")
    assert first_cells(page, table) == ["5", "4", "3", "2", "1"]
    expect(older).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Shift+Tab")
    expect(newer).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(turner(page, of)).to_contain_text("1 to 20 of 48")
    assert first_cells(page, table)[0] == "48"


def test_a_generation_on_an_older_page_tells_when_it_came_in_force(site, served, look):
    base = site.model()
    root = served(base, pause=0.0)
    await_in_force(base)  # the first one too, which would else be overtaken
    for _ in range(14):
        change(base, 1)
        await_in_force(base)
    root.pause = HELD
    page = look().open(f"/models/{base.name}")
    page.get_by_role("button", name="Older entries of the history").click()
    expect(turner(page, "entries of the history")).to_contain_text(re.compile(r"21 to \d+ of"))
    in_force = page.get_by_role("table", name="Generations of the configuration").locator("tbody tr td:nth-child(3)").all()
    assert len(in_force) > 1
    assert all(re.fullmatch(r"[-0-9]+ [0-9:]+", cell.inner_text()) for cell in in_force)


def test_older_rollouts_are_those_that_the_api_tells(site, served, plan, look):
    base = site.model()
    root = served(base, pause=0.0)
    for _ in range(12):
        rollout = start_rollout(base, 2, plan_from_dict({**plan, "min_windows": 50}), by="ann", why="once more")
        reach(root, lambda state: state.windows > 0)
        order = {"kind": "rollback", "why": "a drill", "now": True}
        site.ask("POST", f"models/{base.name}/rollouts/{rollout}/orders", json=order)
        reach(root, lambda state: state.finished)
    page = look().open(f"/models/{base.name}")
    expect(turner(page, "rollouts")).to_contain_text("1 to 10 of 12")
    page.get_by_role("button", name="Older rollouts").click()
    expect(turner(page, "rollouts")).to_contain_text("11 to 12 of 12")
    links = page.get_by_role("table", name="Rollouts").locator("tbody a").all()
    told = [one["id"] for one in site.get(f"models/{base.name}/rollouts?limit=10&offset=10")["rollouts"]]
    assert [(link.get_attribute("href") or "").rsplit("/", 1)[-1] for link in links] == told


def test_older_entries_of_the_audit_trail_are_those_that_the_api_tells(site, look):
    base = site.model()
    for number in range(26):
        for word in ("pin", "unpin"):
            site.ask("POST", f"models/{base.name}/versions/2/{word}", json={"why": f"drill {number}"})
    page = look().open("/access")
    of = "entries of the audit trail"
    told = site.get("audit?limit=50&offset=50")
    expect(turner(page, of)).to_contain_text(f"1 to 50 of {told['total']}")
    page.get_by_role("button", name=f"Older {of}").click()
    expect(turner(page, of)).to_contain_text(f"51 to {min(100, told['total'])} of")
    trail = page.get_by_role("table", name="Changes that were asked for").locator("tbody tr")
    expect(trail).to_have_count(len(told["entries"]))
    for row, entry in zip(trail.all(), told["entries"], strict=True):
        assert [cell.inner_text() for cell in row.locator("td").all()][2:] == [
            entry["model"] or "–",
            entry["action"],
            str(entry["status"]),
            entry["detail"],
        ]
