"""What each route gives, and what is found on the disk afterwards."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.control.documents import ExperimentOrderWanted, ExperimentWanted, OrderWanted, RolloutWanted
from tfx_rollout.control.http.routes import ROUTERS
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import BasePath


@pytest.fixture
def control(base: BasePath) -> LocalControl:
    return LocalControl(base.store, by="local")


def test_while_no_token_was_made_everybody_at_this_machine_is_the_administrator(api):
    assert api.get("/v1/me").json() == {"name": "local", "role": "admin"}


def test_health_is_that_of_the_process_and_readiness_that_of_the_setup(api, base, supervised):
    assert api.get("/healthz").json() == {"status": "ok"}
    answer = api.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert "no supervisor serves" in answer.json()["reasons"][0]
    with supervised(base):
        assert api.get("/readyz").json() == {"ready": True, "reasons": []}
    (base.control / "desired.json").write_text("{")
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert any("desired.json" in reason for reason in answer.json()["reasons"])


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/v1/models", lambda control: control.models()),
        ("/v1/models/taxi", lambda control: control.model("taxi")),
        ("/v1/models/taxi/versions", lambda control: control.versions("taxi")),
        ("/v1/models/taxi/versions/2", lambda control: control.version("taxi", 2)),
        ("/v1/models/taxi/configuration", lambda control: control.configuration("taxi")),
        ("/v1/models/taxi/history?limit=1", lambda control: control.history("taxi", limit=1)),
        ("/v1/models/taxi/rollouts?limit=5&offset=0", lambda control: control.rollouts("taxi", limit=5)),
        ("/v1/models/taxi/experiments", lambda control: control.experiments("taxi")),
        ("/v1/plans", lambda control: control.plans()),
        ("/v1/plans/default", lambda control: control.plan("default")),
        ("/v1/tokens", lambda control: control.tokens()),
        ("/v1/audit?limit=3", lambda control: control.audit(limit=3)),
    ],
)
def test_a_document_is_what_the_control_on_the_files_gives(api, control, wanted, path: str, question):
    control.start_rollout("taxi", wanted(2))
    answer = api.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.json() == question(control).model_dump(mode="json")


@pytest.fixture
def wanted(plan):
    return lambda version: RolloutWanted(version=version, plan=plan, why="a new version")


def test_a_version_is_loaded_pinned_named_and_let_go_again(api, base):
    asked = [
        ("POST", "/v1/models/taxi/versions/2/load", {"why": "to try it"}),
        ("POST", "/v1/models/taxi/versions/3/pin", {}),
        ("PUT", "/v1/models/taxi/aliases/blue", {"version": 3}),
    ]
    for method, path, body in asked:
        answer = api.ask(method, path, json=body)
        assert (answer.status_code, answer.json()["changed"]) == (200, True), answer.text
    desired = base.desired()
    assert (desired.versions, desired.pinned, dict(desired.aliases)) == ((1, 2, 3), (3,), {"blue": 3})
    assert desired.cause.by == "local"
    for method, path in (
        ("DELETE", "/v1/models/taxi/aliases/blue?why=done"),
        ("POST", "/v1/models/taxi/versions/3/unpin"),
        ("POST", "/v1/models/taxi/versions/2/unload"),
    ):
        answer = api.ask(method, path, **({"json": {}} if method == "POST" else {}))
        assert answer.status_code == 200, answer.text
    desired = base.desired()
    assert (desired.versions, desired.pinned, dict(desired.aliases)) == ((1,), (), {})


def test_a_version_is_retired_for_good_and_one_in_use_is_not(api, base):
    answer = api.ask("DELETE", "/v1/models/taxi/versions/3?why=too+large")
    assert (answer.status_code, answer.json()["version"]) == (200, 3)
    assert base.versions() == [1, 2]
    refused = api.ask("DELETE", "/v1/models/taxi/versions/1")
    assert refused.status_code == 409
    assert refused.json()["current"]["generation"] == 1
    assert base.versions() == [1, 2]


def test_a_dry_run_tells_the_steps_and_does_nothing(api, base):
    before = base.desired()
    answer = api.post("/v1/models/taxi/versions/2/load?dry_run=true", {"why": "to see"})
    told = answer.json()
    assert (told["dry_run"], told["changed"], told["configuration"]["generation"]) == (True, True, 2)
    assert told["steps"]
    assert base.desired() == before
    assert api.get("/v1/audit").json()["total"] == 0


def test_the_configuration_is_changed_from_the_generation_that_was_read(api, base):
    read = api.get("/v1/models/taxi/configuration")
    assert read.headers["etag"] == '"1"'
    path, body = "/v1/models/taxi/configuration", {"versions": [2], "why": "to have it"}
    done = api.ask("PATCH", path, json=body, headers={"If-Match": read.headers["etag"]})
    assert (done.status_code, done.json()["configuration"]["generation"]) == (200, 2)
    missing = api.ask("PATCH", path, json=body)
    assert (missing.status_code, missing.json()["type"]) == (428, "/problems/if-match-missing")
    late = api.ask("PATCH", path, json={"versions": [3]}, headers={"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/stale-generation")
    assert late.json()["current"] == api.get("/v1/models/taxi/configuration").json()
    assert api.ask("PATCH", path, json={"versions": [3]}, headers={"If-Match": "*"}).status_code == 200
    assert base.desired().versions == (1, 3)


def test_a_rollout_is_started_ordered_and_reported(api, base, control, plan):
    started = api.post("/v1/models/taxi/rollouts", {"version": 2, "plan": plan, "why": "newer"})
    assert started.status_code == 201
    found = started.json()
    assert started.headers["location"] == f"/v1/models/taxi/rollouts/{found['id']}"
    assert (found["by"], found["why"]) == ("local", "newer")
    again = api.post("/v1/models/taxi/rollouts", {"version": 3, "plan": plan})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/rollout-in-progress")
    assert again.json()["current"]["rollout"]["id"] == found["id"]
    path = started.headers["location"]
    read = api.get(path)
    assert read.headers["etag"] == f'"{read.json()["revision"]}"'
    ordered = api.post(f"{path}/orders", {"kind": "abort", "why": "no"}, headers={"If-Match": read.headers["etag"]})
    assert (ordered.status_code, ordered.json()["kind"], ordered.json()["taken"]) == (202, "abort", False)
    second = api.post(f"{path}/orders", {"kind": "abort"})
    assert second.status_code == 409
    assert second.json()["current"] == api.get(path).json()
    assert second.json()["current"]["orders"][0]["why"] == "no"


def test_a_rollout_that_ran_is_reported_whole_and_only_once_to_who_has_it(api, base, control, plan, supervised):
    with supervised(base):
        started = control.start_rollout("taxi", RolloutWanted(version=2, plan={**plan, "promotion": "automatic"}))
        for line in control.follow_rollout("taxi", started.id):
            last = line
    path = f"/v1/models/taxi/rollouts/{started.id}/report"
    answer = api.get(path)
    assert answer.json() == control.rollout_report("taxi", started.id)
    assert last["type"] == "report"
    assert api.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    page = api.get(f"{path}?format=html")
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox allow-scripts" in page.headers["content-security-policy"]
    assert page.text.lstrip().lower().startswith("<!doctype html>")
    assert api.get(path, headers={"Accept": "text/html,*/*"}).text == page.text
    assert page.headers["etag"] != answer.headers["etag"]


def test_what_is_told_of_a_rollout_on_the_stream_is_what_the_files_tell(api, base, control, plan, supervised):
    with supervised(base, failures=0.5):
        started = control.start_rollout("taxi", RolloutWanted(version=2, plan=plan))
        told = list(control.follow_rollout("taxi", started.id))
    stream = api.stream(f"/v1/models/taxi/rollouts/{started.id}/events")
    assert (stream.status, stream.whole) == (200, True)
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    fields = [dict(line.split(": ", 1) for line in event.split("\n")) for event in stream.content.decode().strip().split("\n\n")]
    lines = [{"type": event["event"], **json.loads(event["data"])} for event in fields]
    kinds = [line["type"] for line in lines]
    assert (kinds[-2:], kinds.count("report")) == (["state", "report"], 1)
    record = [line for line in told if line["type"] in ("event", "verdict")]
    assert [line for line in lines if line["type"] in ("event", "verdict")] == record
    assert lines[-1] == told[-1]
    middle = fields[len(record) // 2]["id"]
    resumed = api.stream(f"/v1/models/taxi/rollouts/{started.id}/events", last_event_id=middle)
    assert stream.content.endswith(resumed.content)
    assert len(resumed.content) < len(stream.content)
    assert f"id: {middle}\n" not in resumed.content.decode()


AB = {
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
    "max_days": 1,
}


def test_an_ab_test_is_started_and_ended(api, base):
    assert api.post("/v1/experiments/check", AB).json()["document"]["alpha"] > 0
    started = api.post("/v1/models/taxi/experiments", {"plan": AB, "why": "to know"})
    assert started.status_code == 201, started.text
    path = started.headers["location"]
    assert api.get(path).json()["id"] == started.json()["id"]
    assert api.get(f"{path}/report").status_code == 200
    refused = api.post("/v1/models/taxi/rollouts", {"version": 2})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/experiment-in-progress")
    ended = api.post(f"{path}/orders", {"kind": "stop"})
    assert ended.status_code == 202
    assert api.get("/v1/models/taxi/experiments").json()["total"] == 1
    path = f"/v1/models/taxi/experiments/{started.json()['id']}/report"
    assert api.get(path).json()["experiment"] == started.json()["id"]
    assert api.get(path, headers={"Accept": "text/html"}).text == api.get(f"{path}?format=html").text


def test_what_is_told_of_an_ab_test_on_the_stream_is_what_the_files_tell(api, base, control, carry_out_experiments):
    started = control.start_experiment("taxi", ExperimentWanted(plan=AB, why="to know"))
    control.order_experiment("taxi", started.id, ExperimentOrderWanted(kind="stop", why="enough"))
    carry_out_experiments(base)
    path = f"/v1/models/taxi/experiments/{started.id}/events"
    stream = api.stream(path)
    assert (stream.status, stream.whole) == (200, True)
    fields = [dict(line.split(": ", 1) for line in event.split("\n")) for event in stream.content.decode().strip().split("\n\n")]
    lines = [{"type": event["event"], **json.loads(event["data"])} for event in fields]
    assert lines == list(control.follow_experiment("taxi", started.id))
    assert [(line["type"], event["id"]) for line, event in zip(lines, fields, strict=True)] == [
        ("event", "1.0"),
        ("state", "1.0"),
        ("report", "1.0"),
    ]
    resumed = api.stream(path, last_event_id="1.0")
    assert stream.content.endswith(resumed.content)
    assert resumed.content.startswith(b"event: state\n")


def test_feedback_is_taken_as_a_row_as_a_batch_and_as_lines(api):
    path = "/v1/models/taxi/feedback"
    assert api.post(path, {"request_id": "a", "correct": True}).json() == {"model": "taxi", "new": 1, "known": 0}
    rows = [{"request_id": "a", "correct": False}, {"request_id": "b", "label": 1}]
    assert api.post(path, {"rows": rows}).json() == {"model": "taxi", "new": 1, "known": 1}
    lines = "\n".join(json.dumps({"request_id": name, "label": "x\u2028y"}, ensure_ascii=False) for name in "cd")
    answer = api.post(path, content=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
    assert answer.json() == {"model": "taxi", "new": 2, "known": 0}


def test_traffic_and_metrics_are_told(api, base):
    now = 1_800_000_000
    told = api.get(f"/v1/models/taxi/traffic?since={now - 600}&until={now}&step=60").json()
    assert (told["model"], told["since"], told["series"]) == ("taxi", now - 600, [])
    metrics = api.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'tfx_rollout_desired_generation{model="taxi"} 1.0' in metrics.text


def test_a_token_is_told_once_and_from_then_on_needed(api, base):
    made = api.post("/v1/tokens", {"name": "ann", "role": "read", "days": 1})
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert api.get("/v1/me").status_code == 401
    assert api.get("/v1/me", token=secret).json() == {"name": "ann", "role": "read"}
    assert api.get("/v1/tokens", token=secret).status_code == 403
    LocalControl(base.store, by="root").revoke_token("ann")
    assert api.get("/v1/me", token=secret).status_code == 401
    assert api.get("/v1/me").status_code == 401


def test_who_changed_what_is_recorded_with_what_came_of_it(api, token_of):
    from tfx_rollout.control.documents import Role

    operator, admin = token_of(Role.OPERATE, "olga"), token_of(Role.ADMIN, "adam")
    api.post("/v1/models/taxi/versions/2/load", {"why": "to try it"}, token=operator)
    api.ask("DELETE", "/v1/models/taxi/versions/3", token=operator)
    api.post("/v1/models/taxi/versions/2/load", {"wy": "typo"}, token=operator)
    api.post("/v1/models/taxi/versions/2/load", {}, headers={"If-Match": '"9"'}, token=operator)
    api.post("/v1/models/taxi/versions/2/load", {})
    entries = api.get("/v1/audit", token=admin).json()["entries"]
    assert [(e["by"], e["role"], e["model"], e["status"]) for e in entries] == [
        ("nobody", "", "taxi", 401),
        ("olga", "operate", "taxi", 409),
        ("olga", "operate", "taxi", 422),
        ("olga", "operate", "taxi", 403),
        ("olga", "operate", "taxi", 200),
    ]
    assert entries[4]["facts"]["why"] == "to try it"
    assert entries[3]["action"] == "DELETE /v1/models/taxi/versions/3"


def test_the_page_is_given_whole_without_any_data(api):
    page = api.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    script = api.get("/page/js/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert api.get("/page/js/main.js", headers={"If-None-Match": script.headers["etag"]}).status_code == 304
    for name in ("nope.js", "../app.py", "files.py", "%2e%2e/documents/form.py"):
        assert api.get(f"/page/{name}").status_code in (404, 422), name


def test_every_router_is_in_the_application(api):
    addresses = {route.path for router in ROUTERS for route in router.routes}
    assert addresses >= {"/", "/page/{name:path}", "/healthz", "/metrics", "/v1/events"}


def test_orders_that_a_phase_does_not_know_are_a_conflict_with_what_is(api, control, plan):
    started = control.start_rollout("taxi", RolloutWanted(version=2, plan=plan))
    answer = api.post(f"/v1/models/taxi/rollouts/{started.id}/orders", OrderWanted(kind="approve").model_dump())
    assert answer.status_code == 409
    assert answer.json()["current"]["phase"] == "submitted"
    assert "approve" in answer.json()["detail"]
