"""What people do on the page really happens, after they were told what it will do, and only for those who may."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tfx_rollout.control.documents import Role
from tfx_rollout.rollout import list_rollouts, start_rollout
from tfx_rollout.rollout.plan import plan_from_dict
from tfx_rollout.traffic import Label, Track

from .conftest import HELD, ServedTest, reach

pytestmark = pytest.mark.integration


@pytest.fixture
def running(site, served, plan):
    """A rollout in its first stage, which stands still: the root, the base and the rollout's id."""
    base = site.model()
    root = served(base)
    rollout = start_rollout(base, 2, plan_from_dict({**plan, "min_windows": 50}), by="ann", why="a new version")
    reach(root, lambda state: state.windows > 1)
    return root, base, rollout


def dialog(page: Page):
    return page.get_by_role("dialog")


def test_abort_is_confirmed_with_a_reason_and_really_aborts(site, running, look):
    root, base, rollout = running
    page = look(Role.OPERATE).open(f"/models/{base.name}/rollouts/{rollout}")
    asked: list[str] = []
    page.on("request", lambda request: request.method == "POST" and asked.append(request.url))
    page.get_by_role("button", name="Abort").click()
    expect(dialog(page)).to_contain_text("All traffic goes back to version 1")
    expect(dialog(page)).to_contain_text("running")
    dialog(page).get_by_role("button", name="Cancel").click()
    expect(dialog(page)).to_be_hidden()
    page.get_by_role("button", name="Abort").click()
    dialog(page).get_by_role("button", name="Abort").click()  # without a reason the browser does not send it
    assert asked == []
    assert list_rollouts(base)[-1].orders_done == 0
    dialog(page).get_by_label("Why").fill("the new meter is wrong")
    dialog(page).get_by_role("button", name="Abort").click()
    expect(page.get_by_text("Ordered to abort (order 1)")).to_be_visible()
    expect(page.get_by_text("operate-er ordered to abort (the new meter is wrong)")).to_be_visible()
    reach(root, lambda state: state.finished)
    expect(page.locator(".title .pill")).to_contain_text("rolled back")
    expect(page.get_by_role("table", name="Orders")).to_contain_text("taken up")
    expect(page.get_by_role("button", name="Abort")).to_have_count(0)
    order = site.get(f"models/{base.name}/rollouts/{rollout}/report")["orders"][-1]
    assert (order["kind"], order["by"], order["why"]) == ("abort", "operate-er", "the new meter is wrong")
    assert base.desired().split.share(Track.CANARY) == 0
    assert base.desired().labels == {Label.STABLE: 1}


def test_pause_and_resume_take_each_others_place(running, look):
    root, base, rollout = running
    page = look().open(f"/models/{base.name}/rollouts/{rollout}")
    for verb, phase in (("Pause", "paused"), ("Resume", "running")):
        page.get_by_role("button", name=verb, exact=True).click()
        dialog(page).get_by_label("Why").fill("lunch")
        page.keyboard.press("Control+Enter")
        expect(page.get_by_text(f"Ordered to {verb.lower()}").last).to_be_visible()
        reach(root, lambda state, phase=phase: str(state.phase) == phase)
        expect(page.locator(".title .pill")).to_contain_text(phase)


def test_what_is_not_possible_is_disabled_and_says_why(running, look):
    _, base, rollout = running
    page = look().open(f"/models/{base.name}/rollouts/{rollout}")
    skip = page.get_by_role("button", name="Skip the stage")
    expect(skip).to_have_attribute("aria-disabled", "true")
    expect(skip).to_have_accessible_description("There is no next stage to skip to.")
    skip.dispatch_event("click")
    expect(dialog(page)).to_be_hidden()
    page.get_by_role("link", name=base.name, exact=True).click()
    expect(page.get_by_role("button", name="Start a rollout … (A rollout is running.)")).to_have_attribute(
        "aria-disabled", "true"
    )


def test_of_two_who_order_at_once_the_second_is_shown_how_it_is_now_and_nothing_else_happens(site, running, look):
    root, base, rollout = running
    watched = look(Role.OPERATE)
    watched.allowed = {409}
    page = watched.open(f"/models/{base.name}/rollouts/{rollout}")

    def be_first(route: Route) -> None:
        body = {"kind": "pause", "why": "I was first"}
        site.ask("POST", f"models/{base.name}/rollouts/{rollout}/orders", json=body)
        route.continue_()

    page.route("**/orders", be_first)
    page.get_by_role("button", name="Abort").click()
    dialog(page).get_by_label("Why").fill("it looks wrong")
    dialog(page).get_by_role("button", name="Abort").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("Nothing was changed.")
    expect(dialog(page).get_by_role("alert")).to_contain_text("This is how it is now:")
    expect(dialog(page).get_by_role("button", name="Abort")).to_have_count(0)
    dialog(page).get_by_role("button", name="Close").click()
    expect(page.get_by_text("admin-er ordered to pause (I was first)")).to_be_visible()
    reach(root, lambda state: str(state.phase) == "paused")
    assert [order["kind"] for order in site.get(f"models/{base.name}/rollouts/{rollout}/report")["orders"]] == ["pause"]


def test_a_change_of_the_configuration_shows_its_steps_first(site, served, look):
    base = site.model()
    served(base)
    page = look(Role.OPERATE).open(f"/models/{base.name}")
    page.get_by_role("button", name="Version 2: details and actions").click()
    expect(dialog(page)).to_contain_text(site.get(f"models/{base.name}/versions/2")["digest"])
    expect(dialog(page)).to_contain_text("run")
    dialog(page).get_by_role("button", name="Set an alias …").click()
    dialog(page).get_by_label("Alias").fill("blue")
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("listitem").first).to_be_visible()
    wanted = {"version": 2, "why": "to see"}
    steps = site.ask("PUT", f"models/{base.name}/aliases/blue?dry_run=true", json=wanted)["steps"]
    assert [item.inner_text() for item in dialog(page).get_by_role("listitem").all()] == [step["words"] for step in steps]
    assert base.desired().aliases == {}
    dialog(page).get_by_label("Why").fill("for the load test")
    dialog(page).get_by_role("button", name="Set the alias").click()
    expect(page.get_by_text("Alias blue: written as generation")).to_be_visible()
    expect(page.get_by_role("table", name="Versions")).to_contain_text("blue")
    assert base.desired().aliases == {"blue": 2}
    assert (base.desired().cause.by, base.desired().cause.why) == ("operate-er", "for the load test")


def test_a_change_on_what_is_not_there_any_more_changes_nothing(site, served, look):
    base = site.model()
    served(base)
    watched = look(Role.OPERATE)
    watched.allowed = {409}
    page = watched.open(f"/models/{base.name}")

    def be_first(route: Route) -> None:
        if "dry_run" not in route.request.url:
            site.ask("POST", f"models/{base.name}/versions/3/load", json={"why": "I was first"})
        route.continue_()

    page.route("**/versions/2/pin*", be_first)
    page.get_by_role("button", name="Version 2: details and actions").click()
    dialog(page).get_by_role("button", name="Pin", exact=True).click()
    dialog(page).get_by_label("Why").fill("to keep it")
    dialog(page).get_by_role("button", name="Pin", exact=True).click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("I was first")
    assert base.desired().pinned == ()
    assert base.desired().versions == (1, 3)


def test_a_version_is_removed_for_good_by_administrators_alone(site, served, look):
    base = site.model()
    served(base)
    page = look(Role.OPERATE).open(f"/models/{base.name}")
    page.get_by_role("button", name="Version 3: details and actions").click()
    expect(dialog(page).get_by_role("button", name="Pin", exact=True)).to_be_visible()
    expect(dialog(page).get_by_role("button", name="Retire")).to_have_count(0)
    page = look(Role.ADMIN).open(f"/models/{base.name}")
    page.get_by_role("button", name="Version 3: details and actions").click()
    dialog(page).get_by_role("button", name="Retire").click()
    expect(dialog(page)).to_contain_text("cannot be undone")
    dialog(page).get_by_label("Why").fill("a leak in its data")
    dialog(page).get_by_role("button", name="Remove for good").click()
    expect(page.get_by_text("Version 3 was removed for good.")).to_be_visible()
    expect(page.get_by_role("table", name="Versions").locator("tbody tr")).to_have_count(2)
    assert base.versions() == [1, 2]


def test_who_may_only_read_is_offered_nothing(running, look):
    _, base, _ = running
    page = look(Role.READ).open(f"/models/{base.name}")
    expect(page.get_by_text("you may watch, and not change anything")).to_be_visible()
    offered = re.compile("Start|Roll back|Abort|Promote|Pause|Skip|Approve|Access")
    assert page.get_by_role("button", name=offered).count() == 0
    page.get_by_role("button", name="Version 2: details and actions").click()
    expect(dialog(page)).to_contain_text("which may look and not change")
    assert [button.inner_text() for button in dialog(page).get_by_role("button").all()] == ["Close"]
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Rollout of version 2").click()
    expect(page.get_by_role("heading", name="Stages")).to_be_visible()
    assert page.get_by_role("button", name=offered).count() == 0
    assert page.get_by_role("link", name="Access").count() == 0


def test_a_rollout_is_started_by_a_plan_that_is_checked_while_it_is_written(site, served, plan, look):
    base = site.model()
    served(base, pause=HELD)
    watched = look(Role.OPERATE)
    watched.allowed = {422}
    page = watched.open(f"/models/{base.name}")
    page.get_by_role("button", name="Start a rollout …").click()
    expect(dialog(page)).to_contain_text("Stages: 1")  # of the plan that is used when none is named
    dialog(page).get_by_role("combobox", name="Version").select_option("2")
    dialog(page).get_by_role("combobox", name="Plan").select_option("own")
    text = dialog(page).get_by_label("The plan")
    expect(dialog(page)).to_contain_text("The plan is valid.")
    faulty = {**plan, "alpha": 1.5, "stages": [{"share": 2}]}
    text.fill(json.dumps(faulty, indent=1))
    faults = site.faults(faulty)
    expect(dialog(page).locator(".faults li")).to_have_count(len(faults))
    for fault in faults:
        expect(dialog(page).locator(".faults")).to_contain_text(fault["reason"])
    dialog(page).locator(".faults button", has_text="alpha").click()
    assert text.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)") == '"alpha": 1.5'
    expect(dialog(page).get_by_role("button", name="Start the rollout")).to_have_attribute("aria-disabled", "true")
    text.fill(json.dumps({**plan, "name": "careful"}))
    expect(dialog(page)).to_contain_text("The plan is valid.")
    dialog(page).get_by_label("Why").fill("a new version")
    dialog(page).get_by_role("button", name="Start the rollout").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{base.name}: version 2")
    started = list_rollouts(base)[-1]
    assert (started.version, started.by, started.why) == (2, "operate-er", "a new version")
    assert page.url.endswith(f"#/models/{base.name}/rollouts/{started.id}")
    expect(page.locator(".eyebrow")).to_contain_text("plan careful")


def test_an_ab_test_is_started_and_stopped(site, look):
    base = site.model()
    with ServedTest(base, stable=0.1, variant_b=0.1) as root:
        watched = look(Role.OPERATE)
        page = watched.open(f"/models/{base.name}")
        page.get_by_role("button", name="Start an A/B test …").click()
        expect(dialog(page)).to_contain_text("The plan is valid.")
        dialog(page).get_by_label("Why").fill("do riders tip more?")
        dialog(page).get_by_role("button", name="Start the A/B test").click()
        expect(page.locator(".title .pill")).to_contain_text("running")
        root.pause = 0.2
        expect(page.get_by_role("table", name="Arms")).to_contain_text("variant-b")
        page.get_by_role("button", name="Promote variant-b (version 3)").click()
        expect(dialog(page)).to_contain_text("It is not proven that variant-b is better")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Stop the test").click()
        expect(dialog(page)).to_contain_text("Version 1 gets all traffic back")
        dialog(page).get_by_label("Why").fill("it is only a drill")
        dialog(page).get_by_role("button", name="Stop the test").click()
        expect(page.locator(".title .pill")).to_contain_text("stopped")
        expect(page.get_by_role("table", name="Orders")).to_contain_text("it is only a drill")
    (test,) = site.get(f"models/{base.name}/experiments")["experiments"]
    assert (test["outcome"], test["by"]) == ("stopped", "operate-er")
