"""Signing in and out, and what happens when the server goes away and comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tfx_rollout.control.documents import Role

pytestmark = pytest.mark.integration


def test_a_token_is_asked_for_kept_in_the_tab_alone_and_forgotten(site, look):
    base = site.model()
    watched = look(None)
    watched.allowed = {401}
    page = watched.open(f"/models/{base.name}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert base.name not in page.content()
    page.get_by_label("Token").fill("not-a-token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Token").fill(site.tokens[Role.READ])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(base.name)
    expect(page.get_by_text("read-er (read)").first).to_be_visible()
    kept = page.evaluate("[JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie, location.href]")
    assert site.tokens[Role.READ] in kept[0]
    assert not any(site.tokens[Role.READ] in place for place in kept[1:])
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(base.name)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert page.evaluate("sessionStorage.length") == 0
    assert base.name not in page.get_by_role("main").inner_text()


def test_a_page_is_live_again_after_the_server_was_away(own_site, served, look):
    base = own_site.model()
    served(base)
    watched = look(at=own_site)
    page = watched.open(f"/models/{base.name}")
    state = page.locator(".live")
    expect(state).to_have_text("live")
    versions = page.get_by_role("table", name="Versions")
    expect(versions).to_be_visible()
    page.evaluate("window.opened = 'once'")
    own_site.kill()
    expect(state).to_have_text("reconnecting …")
    expect(versions).to_be_visible()  # what was known stays there
    changed = base.desired().change(aliases={"meanwhile": 1})
    base.write_desired(changed, expected=base.desired().generation)
    own_site.start()
    expect(state).to_have_text("live")
    expect(versions).to_contain_text("meanwhile")
    assert page.evaluate("window.opened") == "once"
    watched.complaints = [text for text in watched.complaints if "net::ERR_" not in text]


def test_what_is_not_there_is_said(site, look):
    watched = look()
    watched.allowed = {404}
    page = watched.open("/models/no-such-model")
    expect(page.get_by_role("alert")).to_contain_text("no-such-model")
    page.goto(f"{site.address}/#/nowhere/at/all")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")


def test_administrators_make_and_revoke_tokens_and_read_the_audit_trail(site, look):
    page = look().open("/access")
    page.get_by_role("button", name="Make a token …").click()
    page.get_by_role("dialog").get_by_label("Name").fill("night-job")
    page.get_by_role("dialog").get_by_label("operate").check()
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    secret = page.get_by_label("The token", exact=True).inner_text()
    page.get_by_role("button", name="I have it").click()
    row = page.get_by_role("table", name="Tokens").get_by_role("row").filter(has_text="night-job")
    expect(row).to_contain_text("admin-er")
    assert secret not in page.content()
    assert {token["name"]: token["role"] for token in site.get("tokens")["tokens"]}["night-job"] == "operate"
    row.get_by_role("button", name="Revoke the token night-job").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    expect(page.get_by_role("table", name="Changes that were asked for")).to_contain_text("night-job")
