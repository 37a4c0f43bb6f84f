"""The configuration is changed as a whole: what it would do is shown while one chooses, and it is made on what was looked at."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tfx_rollout.control.documents import Role
from tfx_rollout.rollout import start_rollout
from tfx_rollout.rollout.plan import plan_from_dict

from .conftest import reach

pytestmark = pytest.mark.integration


def configure(page: Page) -> Locator:
    page.get_by_role("button", name="Configure …").click()
    return page.get_by_role("dialog")


def hold(form: Locator, version: int, how: str) -> None:
    form.get_by_label(f"How version {version} is held").select_option(how)


def send(form: Locator, why: str) -> None:
    form.get_by_label("Why").fill(why)
    form.get_by_role("button", name="Change the configuration").click()


def items(form: Locator, ordered: str) -> list[str]:
    return [item.inner_text() for item in form.locator(f".outcome {ordered} li").all()]


def test_topology_versions_and_aliases_are_changed_at_once_after_the_steps_were_shown(site, served, look):
    base = site.model()
    base.write_desired(base.desired().change(aliases={"old": 1}), expected=base.desired().generation)
    served(base)
    page = look(Role.OPERATE).open(f"/models/{base.name}")
    form = configure(page)
    expect(form).to_contain_text("Nothing is chosen otherwise yet.")
    form.get_by_role("button", name="Change the configuration").dispatch_event("click")  # there is nothing to send
    form.get_by_label("shared").check()
    hold(form, 2, "loaded")
    hold(form, 3, "pinned")
    form.get_by_label("Another alias").fill("blue")
    form.get_by_label("Version of the other alias").select_option("2")
    form.get_by_role("button", name="Add", exact=True).click()
    form.get_by_role("button", name="Remove alias old").click()
    expect(form.locator(".outcome ol")).to_contain_text("label blue")
    assert items(form, "ul") == [
        "Topology: shared, was dedicated.",
        "Version 3: pinned, was not loaded.",
        "Alias old goes; requests for it fail.",
        "Alias blue: version 2.",
    ]
    wanted = {"topology": "shared", "pinned": [3], "aliases": {"blue": 2}, "why": "as the page asks"}
    told = site.ask("PATCH", f"models/{base.name}/configuration?dry_run=true", json=wanted, match="*")
    assert items(form, "ol") == [step["words"] for step in told["steps"]]
    before = base.desired()
    assert (before.pinned, before.aliases) == ((), {"old": 1})
    send(form, "for the load test")
    expect(page.get_by_text(f"Written as generation {before.generation + 1}.")).to_be_visible()
    after = base.desired()
    assert (after.topology, after.pinned, after.aliases) == ("shared", (3,), {"blue": 2})
    assert after.versions == (1, 2, 3)
    assert (after.cause.by, after.cause.why) == ("operate-er", "for the load test")


def test_who_was_not_first_is_shown_how_it_is_now_and_asked_again(site, served, look):
    base = site.model()
    served(base)
    watched = look(Role.OPERATE)
    watched.allowed = {409}
    page = watched.open(f"/models/{base.name}")
    form = configure(page)
    hold(form, 2, "pinned")
    expect(form.locator(".outcome ol li").first).to_be_visible()

    def be_first(route: Route) -> None:
        site.ask("PUT", f"models/{base.name}/aliases/green", json={"version": 3, "why": "I was first"})
        route.continue_()

    page.route("**/configuration", be_first, times=1)
    send(form, "to keep it")
    expect(form.get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(form.get_by_role("alert")).to_contain_text("I was first")
    assert base.desired().pinned == ()
    expect(form.get_by_role("button", name="Change the configuration")).to_have_attribute("aria-disabled", "true")
    form.get_by_role("button", name="Make my changes on this").click()
    expect(form.get_by_role("alert")).to_have_count(0)
    expect(form.get_by_role("table", name="Aliases")).to_contain_text("green")
    assert items(form, "ul") == ["Version 2: pinned, was not loaded."]
    expect(form.locator(".outcome ol li").first).to_be_visible()
    form.get_by_role("button", name="Change the configuration").click()  # the reason that was written is still there
    expect(form).to_be_hidden()
    after = base.desired()
    assert (after.pinned, after.aliases, after.cause.why) == ((2,), {"green": 3}, "to keep it")


def test_what_the_server_does_not_take_is_said_and_cannot_be_sent(site, served, look):
    base = site.model()
    served(base)
    watched = look(Role.OPERATE)
    watched.allowed = {422}
    page = watched.open(f"/models/{base.name}")
    form = configure(page)
    form.get_by_label("Another alias").fill("stable")
    page.keyboard.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("stable")
    expect(form.get_by_role("button", name="Change the configuration")).to_have_attribute("aria-disabled", "true")
    form.get_by_role("button", name="Remove alias stable").click()
    expect(form).to_contain_text("Nothing is chosen otherwise yet.")
    assert base.desired().generation == 1


def test_beside_a_rollout_what_is_held_may_be_changed_and_the_rest_is_refused_in_the_servers_words(site, served, plan, look):
    base = site.model()
    root = served(base)
    rollout = start_rollout(base, 2, plan_from_dict({**plan, "min_windows": 50}), by="ann", why="a new version")
    reach(root, lambda state: state.windows > 1)
    watched = look(Role.OPERATE)
    watched.allowed = {409}
    page = watched.open(f"/models/{base.name}")
    page.get_by_role("button", name="Version 3: details and actions").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Pin", exact=True).click()
    dialog.get_by_label("Why").fill("to compare by hand")
    dialog.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("table", name="Versions")).to_contain_text("pinned")
    form = configure(page)
    form.get_by_label("shared").check()
    expect(form.get_by_role("alert")).to_contain_text(rollout)
    expect(form.get_by_role("button", name="Change the configuration")).to_have_attribute("aria-disabled", "true")
    form.get_by_label("dedicated").check()
    form.get_by_label("Another alias").fill("blue")
    page.keyboard.press("Enter")
    expect(form.locator(".outcome")).to_contain_text("Alias blue: version 3.")
    expect(form.get_by_role("button", name="Change the configuration")).not_to_have_attribute("aria-disabled", "true")
    send(form, "for the load test")
    expect(form).to_be_hidden()
    assert (base.desired().pinned, base.desired().aliases) == ((3,), {"blue": 3})
    assert site.get(f"models/{base.name}/rollouts/{rollout}")["outcome"] is None
