"""What is on the page equals what the API says, while things change and when they have ended."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tfx_rollout.rollout import start_rollout
from tfx_rollout.rollout.plan import plan_from_dict
from tfx_rollout.traffic import Label

from .conftest import HELD, ServedTest, reach

pytestmark = pytest.mark.integration


def percent(share: float) -> str:
    return f"{float(f'{100 * share:.3g}'):g}\u00a0%"


def number(text: str) -> float:
    return float(re.sub(r"[^0-9.e+-]", "", text.split("\u00a0")[0]))


def section(page: Page, heading: str) -> Locator:
    return page.locator("section").filter(has=page.get_by_role("heading", name=heading, exact=True))


def rows(page: Page, table: str) -> list[list[str]]:
    """The cells of a table's body as they can be read, the folded parts with them."""
    found = page.get_by_role("table", name=table).locator("tbody tr").all()
    return [[" ".join((cell.text_content() or "").split()) for cell in row.locator("td").all()] for row in found]


def plain(text: str) -> str:
    return " ".join(text.split())


def test_the_overview_and_a_model_are_as_the_api_says(site, served, look):
    base = site.model()
    changed = base.desired().change(versions=(1, 2, 3), aliases={"blue": 2}, pinned=(3,))
    base.write_desired(changed, expected=base.desired().generation)
    now = time.time()
    drawn = [(now - 60 + i / 5, "stable", 1, 5.0 + i % 7, 13 if i % 20 == 0 else 0) for i in range(200)]
    site.write_traffic(base.name, [*drawn, (now - 5, "pinned", 2, 40.0, 0)])
    root = served(base)
    watched = look()
    page = watched.open()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=base.name))
    expect(card).to_contain_text("in force")
    root.pause = HELD
    models = site.get("models")
    expect(page.get_by_text(f"Served on {models['supervisor']['gateway_address']} by process")).to_be_visible()
    expect(page.locator(".model-card")).to_have_count(len(models["models"]))
    card.get_by_role("link", name=base.name).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(base.name)
    overview = site.get(f"models/{base.name}")
    expect(page.get_by_text(f"Generation {overview['generation']}, written by {overview['by']}")).to_be_visible()
    expect(page.locator(".bar.whole")).to_have_attribute(
        "aria-label", f"stable (version 1) {percent(overview['shares']['stable'])}"
    )
    for row, version in zip(rows(page, "Versions"), overview["versions"], strict=True):
        assert row[0] == str(version["version"])
        names = [
            *version["labels"],
            *(f"alias {alias}" for alias in version["aliases"]),
            *(["pinned"] if version["pinned"] else []),
        ]
        assert row[1] == "".join(names) or (row[1] == "–" and not names)
        assert row[2] == plain(percent(version["share"]))
        assert all(f"{server['state']} {server['server']}" in row[3] for server in version["servers"])
        assert row[5] == version["digest"].removeprefix("sha256:")[:12]
    traffic = site.get(f"models/{base.name}/traffic?since={now - 120}&until={now}")
    totals = {(one["track"], one["version"]): one["totals"] for one in traffic["series"]}
    assert totals[("stable", 1)]["requests"] == 200
    for track, version, requests, _, failed, p50, p90, p99, _, codes in rows(page, "The whole span, by track and version"):
        said = totals[(track, int(version))]
        assert number(requests) == said["requests"]
        assert number(failed.split(" ")[0]) == said["failures"]
        assert [number(text) for text in (p50, p90, p99)] == pytest.approx(
            [said[q] for q in ("p50_ms", "p90_ms", "p99_ms")], rel=0.01
        )
        assert codes == ", ".join(f"{code} {count}" for code, count in said["codes"].items() if code != "OK")
    assert "stable 1 p99" in watched.legend("traffic-latency")
    # The labels and shares of the history are those of the file.
    assert rows(page, "Generations of the configuration")[0][3].startswith("stable 1, blue 2, pinned 3")


def test_what_is_not_as_it_should_be_is_told_with_its_reason(site, look):
    base = site.model()  # nothing serves it
    page = look().open(f"/models/{base.name}")
    expect(page.get_by_role("heading", name="Not yet as it should be")).to_be_visible()
    differences = site.get(f"models/{base.name}")["differences"]
    assert differences
    told = rows(page, "Differences between what is wanted and what is in force")
    assert [row[1:] for row in told] == [[one["wanted"], one["found"], plain(one["why"])] for one in differences]
    page.get_by_role("link", name="tfx-rollout").click()
    expect(page.get_by_role("alert")).to_contain_text("No supervisor serves this root")


def test_of_many_models_one_is_found_by_name_and_what_asks_a_person_is_told_first(site, served, plan, look):
    bases = [site.model() for _ in range(8)]
    root = served(bases[0])
    start_rollout(bases[0], 2, plan_from_dict(plan), by="ann", why="a new version")
    reach(root, lambda state: str(state.phase) == "holding")
    page = look().open()
    asked = page.get_by_role("status").filter(has_text="A person is asked:")
    expect(asked).to_contain_text("without a word the plan decides in")
    page.get_by_label("Find a model").fill(f" {bases[0].name.upper()}")
    expect(page.locator(".model-card h2")).to_have_text([bases[0].name])
    page.get_by_label("Find a model").fill("no such model")
    expect(page.get_by_text("No model is called so.")).to_be_visible()
    asked.get_by_role("link", name=f"{bases[0].name} version 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{bases[0].name}: version 2 after version 1")
    expect(page.locator(".bar.whole")).to_have_attribute("aria-label", re.compile("canary \\(version 2\\) 50"))


def test_a_rollout_is_watched_from_its_beginning_to_its_end_without_reload(site, served, plan, look):
    base = site.model()
    root = served(base)
    watched = look()
    page = watched.open(f"/models/{base.name}")
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    page.evaluate("window.opened = 'once'")
    plan = {**plan, "stages": [{**plan["stages"][0], "share": 0.2}, plan["stages"][0]], "promotion": "automatic"}
    rollout = start_rollout(base, 2, plan_from_dict(plan), by="ann", why="a new <b>version</b> & more")
    reach(root, lambda state: state.windows > 0)
    page.get_by_role("link", name="Rollout of version 2").click()
    expect(page.get_by_text("asked for by ann: a new <b>version</b> & more")).to_be_visible()
    expect(page.locator('[data-chart="evidence"] canvas')).to_be_visible()
    expect(page.locator(".timeline .now")).to_contain_text("20")
    drawn = page.locator('[data-chart="evidence"] canvas').element_handle()
    reach(root, lambda state: state.stage == 1)
    expect(page.locator(".timeline .now")).to_contain_text("50")
    expect(page.locator(".cards")).to_contain_text("2 of 2")
    reach(root, lambda state: state.finished)
    expect(page.locator(".title .pill")).to_contain_text("promoted")
    expect(page.get_by_role("status").filter(has_text="ended")).to_be_visible()
    assert drawn is not None
    assert drawn.evaluate("canvas => canvas.isConnected")  # drawn on in place, not anew
    assert page.evaluate("window.opened") == "once"
    equals_its_report(watched, site.get(f"models/{base.name}/rollouts/{rollout}/report"))
    page.get_by_role("link", name=base.name, exact=True).click()
    expect(page.get_by_role("table", name="Versions").locator("tr.current")).to_contain_text("stable")
    expect(page.get_by_role("table", name="Rollouts").locator("tbody tr").first).to_contain_text("promoted")


def test_charts_are_drawn_on_in_place_though_something_comes_to_stand_before_them(site, served, plan, look):
    base = site.model()
    root = served(base)
    rollout = start_rollout(base, 2, plan_from_dict({**plan, "min_windows": 50}), by="ann", why="a new version")
    reach(root, lambda state: state.windows > 1)
    page = look().page

    def before_its_first_verdict(route: Route) -> None:
        """A window may be there before what the judge says of it."""
        answer = route.fetch()
        document = answer.json()
        stages = [{**stage, "evidence": None} for stage in document["stages"]]
        route.fulfill(response=answer, json={**document, "evidence": None, "stages": stages}, headers={})

    page.route("**/report", before_its_first_verdict)
    page.goto(f"{site.address}/#/models/{base.name}/rollouts/{rollout}")
    drawn = page.locator('[data-chart="evidence"] canvas').element_handle()
    expect(page.get_by_role("table", name="Gates and guards")).to_have_count(0)
    page.unroute("**/report")
    reach(root, lambda state: state.windows > 4)
    expect(page.get_by_role("table", name="Gates and guards")).to_be_visible()
    assert drawn is not None
    assert drawn.evaluate("canvas => canvas.isConnected")


def test_a_harmful_version_is_shown_with_all_that_speaks_against_it(site, served, plan, look):
    base = site.model()
    root = served(base, failures=0.3)
    rollout = start_rollout(base, 3, plan_from_dict(plan), by="ann", why="a bad one")
    watched = look()
    page = watched.open(f"/models/{base.name}/rollouts/{rollout}")
    reach(root, lambda state: state.finished)
    expect(page.locator(".title .pill")).to_contain_text("rolled back")
    expect(page.locator(".timeline .stopped")).to_contain_text("turned back here")
    report = site.get(f"models/{base.name}/rollouts/{rollout}/report")
    equals_its_report(watched, report)
    expect(page.locator(".meter")).to_contain_text("not tolerated")
    expect(page.get_by_role("table", name="Evidence by metric and test")).to_contain_text("to blame")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the report (page)").click()
    assert saved.value.suggested_filename == f"{rollout}.html"
    assert b"<!doctype html>" in saved.value.path().read_bytes()


def equals_its_report(watched: Any, report: dict[str, Any]) -> None:
    """Every figure and sentence of a rollout's page is its report's."""
    page = watched.page
    # The report is read a moment after the last event.
    expect(page.get_by_role("table", name="Events").locator("tbody tr")).to_have_count(len(report["events"]))
    expect(page.get_by_role("table", name="Verdicts").locator("tbody tr")).to_have_count(len(report["verdicts"]))
    for row, event in zip(rows(page, "Events"), reversed(report["events"]), strict=True):
        assert row[1:4] == [event["event"].replace("_", " "), event["to"].replace("_", " "), event["by"]]
        assert row[4].replace(" ", "") == event["reason"].replace(" ", "")
    for row, verdict in zip(rows(page, "Verdicts"), reversed(report["verdicts"]), strict=True):
        assert row[3] == verdict["call"]
        assert row[5].replace(" ", "") == "".join(verdict["reasons"]).replace(" ", "")
    evidence = page.get_by_role("table", name="Evidence by metric and test").locator("data")
    said = [*(metric["e_value"] for metric in report["evidence"]["metrics"].values()), report["evidence"]["e_value"]]
    assert [float(data.get_attribute("value")) for data in evidence.all()] == said
    checks = page.get_by_role("table", name="Gates and guards")
    for check in (*report["stages"][-1]["evidence"]["gates"].values(), *report["stages"][-1]["evidence"]["guards"].values()):
        expect(checks).to_contain_text(plain(check["sentence"]))
    for reason in report["evidence"]["reasons"]:
        expect(section(page, "What decided")).to_contain_text(plain(reason))
    series, canary = report["series"], report["series"]["tracks"]["canary"]
    close = {"rel": 0.006}
    assert number(watched.legend("evidence")["all together"]) == pytest.approx(series["e_value"][-1], rel=0.06)
    assert number(watched.legend("share")["served"]) == pytest.approx(100 * series["share_served"][-1], **close)
    assert number(watched.legend("failures")["canary"]) == pytest.approx(
        100 * canary["failures"][-1] / canary["requests"][-1], **close
    )
    assert number(watched.legend("latency")["canary p99"]) == pytest.approx(canary["p99_ms"][-1], **close)
    words = page.locator("#chart-evidence-words").text_content()
    assert number(re.search(r"all together ([0-9.e,-]*[0-9])", words)[1]) == pytest.approx(series["e_value"][-1], rel=0.06)


def test_what_somebody_looks_at_closely_stays_as_it_is_while_more_comes(site, served, plan, look):
    base = site.model()
    root = served(base)
    rollout = start_rollout(base, 2, plan_from_dict({**plan, "min_windows": 30}), by="ann", why="a new version")
    reach(root, lambda state: state.windows > 4)
    page = look().open(f"/models/{base.name}/rollouts/{rollout}")
    chart = page.locator('[data-chart="requests"]')
    chart.focus()
    for key in ("+", "+", "ArrowLeft"):
        page.keyboard.press(key)
    read = page.locator("#said").inner_text()
    assert re.match(r"UTC [-0-9: ]+, stable [0-9.]+/s, canary [0-9.]+/s", read)
    axis = page.evaluate(AXIS)
    page.locator("details", has_text="The whole plan").locator("summary").click()
    reach(root, lambda state: state.windows > 9)
    expect(page.locator(".card", has_text="Windows").locator(".figure")).to_have_text(re.compile("1[0-9]"))
    expect(page.get_by_role("table", name="Verdicts").locator("tbody tr").first).to_contain_text(re.compile("1-1[0-9]|1–1[0-9]"))
    assert page.evaluate(AXIS) == axis
    assert page.locator("details[open]", has_text="The whole plan").count() == 1
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.get_by_role("button", name="Whole time").click()
    assert page.evaluate(AXIS) != axis


AXIS = """() => {
  const canvas = document.querySelector('[data-chart="requests"] canvas');
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, 46 * devicePixelRatio];
  copy.getContext("2d").drawImage(canvas, 0, copy.height - canvas.height);
  return copy.toDataURL();
}"""
"""The axis of time as it is drawn."""


def test_an_ab_test_is_watched_to_its_decision(site, look):
    base = site.model()
    with ServedTest(base, stable=0.02, variant_b=0.6) as root:
        watched = look()
        page = watched.open(f"/models/{base.name}")
        document = {
            "name": "more-tips",
            "header": "x-user-id",
            "variants": [{"version": 2, "share": 0.5}],
            "metric": {"name": "conversion", "kind": "event", "within_seconds": 10},
            "window_seconds": 5,
            "waiting_seconds": 1,
            "min_units": 20,
            "max_days": 1,
        }
        wanted = {"plan": document, "why": "do riders tip more?"}
        test = site.ask("POST", f"models/{base.name}/experiments", json=wanted)["id"]
        page.get_by_role("link", name="A/B test more-tips").click()
        expect(page.locator(".title .pill")).to_contain_text("winner")
        expect(page.get_by_role("status").filter(has_text="ended")).to_be_visible()
        root.pause = HELD
    report = site.get(f"models/{base.name}/experiments/{test}/report")
    expect(page.get_by_role("table", name="Events").locator("tbody tr")).to_have_count(len(report["events"]))
    for row, arm in zip(rows(page, "Arms"), report["arms"], strict=True):
        assert row[:3] == [arm["track"], str(arm["version"]), arm["state"]]
        assert (number(row[4]), number(row[5])) == (arm["users"], arm["outcomes"])
        assert number(row[6]) == pytest.approx(100 * arm["value"], rel=0.006)
    variant = report["arms"][1]
    bounds = [bound for bound in (variant["estimate"], variant["low"], variant["high"]) if bound is not None]
    told = re.findall(r"[0-9][0-9.,]*", rows(page, "Arms")[1][7])
    assert [number(text.replace(",", "")) for text in told] == pytest.approx(bounds, rel=0.006)
    assert number(watched.legend("ab-evidence")["variant-b better"]) == pytest.approx(variant["evidence_better"], rel=0.06)
    for reason in report["reasons"]:
        expect(section(page, "What decided")).to_contain_text(plain(reason))
    for guard in report["guards"]:
        expect(page.get_by_role("table", name="Guards")).to_contain_text(plain(guard["sentence"]))
    assert base.desired().labels[Label.STABLE] == 1
