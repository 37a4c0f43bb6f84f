"""Bad input of every kind: one sentence that names the field and the reason, and nothing changed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tfx_rollout.control.documents import Problem
from tfx_rollout.control.http.problems import UNFORESEEN, of_error
from tfx_rollout.control.http.sentences import MOST_FAULTS, faults, shown
from tfx_rollout.errors import CorruptState, InvalidPlan, StaleGeneration, TaskFault

LOAD = "/v1/models/taxi/versions/2/load"
ROLLOUTS = "/v1/models/taxi/rollouts"
FEEDBACK = "/v1/models/taxi/feedback"


def problem(answer: httpx.Response) -> Problem:
    assert answer.headers["content-type"] == "application/problem+json"
    found = Problem.model_validate_json(answer.content)
    assert found.status == answer.status_code
    assert found.detail.endswith((".", "?")) or found.type == "/problems/invalid-plan"
    assert "\n" not in found.detail
    return found


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "reason"),
    [
        ("POST", LOAD, {"why": ""}, "body.why", "is '', but must have at least 1 character(s)"),
        ("POST", LOAD, {"why": 7}, "body.why", "is 7, but must be a text"),
        ("POST", LOAD, {"wy": "x"}, "body.wy", "is not known here; leave it out, or see whether it is misspelt"),
        ("POST", LOAD, [], "body", "is [], but must be an object"),
        ("POST", "/v1/models/taxi/versions/two/load", {}, "path.version", "is 'two', but must be a whole number"),
        ("POST", "/v1/models/taxi/versions/-1/load", {}, "path.version", "is '-1', but must be at least 0"),
        ("POST", f"{LOAD}?dryrun=true", {}, "query.dryrun", "is not known here; leave it out, or use one of dry_run"),
        ("POST", f"{LOAD}?dry_run=maybe", {}, "query.dry_run", "is 'maybe', but must be true or false"),
        ("POST", f"{LOAD}?dry_run=true&dry_run=false", {}, "query.dry_run", "is given more than once; give it once"),
        ("PUT", "/v1/models/taxi/aliases/Blue", {"version": 2}, "path.alias", "is 'Blue', but must look like"),
        ("PUT", "/v1/models/taxi/aliases/blue", {}, "body.version", "is missing; give it"),
        ("PUT", "/v1/models/taxi/aliases/blue", {"version": "2"}, "body.version", "is '2', but must be a whole number"),
        ("PUT", "/v1/models/taxi/aliases/blue", {"version": 2.5}, "body.version", "is 2.5, but must be a whole number"),
        ("POST", ROLLOUTS, {"version": 2, "plan": 7}, "body.plan", "is 7, but must be a"),
        ("POST", "/v1/tokens", {"name": "ann", "role": "king"}, "body.role", "must be 'read', 'operate' or 'admin'"),
        ("POST", "/v1/tokens", {"name": "a b", "role": "read"}, "body.name", "is 'a b', but must look like"),
        ("POST", "/v1/tokens", {"name": "ann", "role": "read", "days": 0}, "body.days", "must be greater than 0"),
        ("POST", FEEDBACK, {"rows": []}, "body.rows", "must have at least 1 entry"),
        ("POST", FEEDBACK, {"request_id": "a b", "correct": True}, "body.request_id", "must look like"),
        ("POST", FEEDBACK, {"request_id": "a", "correct": "yes"}, "body.correct", "must be true or false"),
        ("GET", "/v1/models/taxi/history?limit=0", None, "query.limit", "is '0', but must be at least 1"),
        ("GET", "/v1/models/taxi/traffic?since=nan", None, "query.since", "is 'nan', but must be at least 0"),
        ("GET", "/v1/models/taxi/traffic?step=0", None, "query.step", "must be greater than 0"),
        ("GET", "/v1/models/.hidden", None, "path.model", "is '.hidden', but must look like"),
        ("GET", "/v1/models/taxi/rollouts/a%20b", None, "path.rollout", "is 'a b', but must look like"),
        ("GET", "/v1/models/taxi/rollouts/x/report?format=pdf", None, "query.format", "must be 'json' or 'html'"),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(api, base, method: str, path: str, body: Any, field: str, reason: str):
    before = base.desired()
    found = problem(api.ask(method, path, **({} if body is None else {"json": body})))
    assert (found.status, found.type) == (422, "/problems/invalid-input")
    told = {fault.field: fault.reason for fault in found.errors}
    assert reason in told[field]
    assert field in found.detail
    assert base.desired() == before
    assert api.get("/v1/tokens").json() == {"tokens": []}


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "said"),
    [
        ("/v1/models/nope/versions/1/load", {}, 404, "not-found", "There is no model nope in"),
        ("/v1/models/taxi/versions/9/load", {}, 404, "not-found", "There is no version 9 in model 'taxi'; known: 1, 2, 3."),
        ("/v1/models/gateway/versions/1/load", {}, 422, "invalid-input", "'gateway' cannot be a model's name"),
        (ROLLOUTS, {"plan": "nope"}, 404, "not-found", "There is no plan nope"),
        (ROLLOUTS, {"version": 1}, 409, "conflict", "is live already"),
        (f"{ROLLOUTS}/none/orders", {"kind": "abort"}, 404, "not-found", "There is no rollout none"),
        ("/v1/models/taxi/rollback", {}, 409, "conflict", "no previous version"),
        ("/v1/models/taxi/experiments/none/orders", {"kind": "stop"}, 404, "not-found", "none"),
        (FEEDBACK, {"request_id": "a"}, 422, "invalid-input", "must have one of correct, label and metric"),
    ],
)
def test_what_does_not_fit_what_is_there_is_told_in_the_words_of_the_command(api, base, path, body, status, kind, said):
    before = base.desired()
    found = problem(api.post(path, body))
    assert (found.status, found.type) == (status, f"/problems/{kind}")
    assert said in found.detail
    assert base.desired() == before


def test_all_faults_of_a_plan_are_told_at_once(api):
    found = problem(api.post("/v1/plans/check", {"stages": [{"share": 7}], "alpha": 9, "windows": 1}))
    assert (found.status, found.type) == (422, "/problems/invalid-plan")
    assert {fault.field for fault in found.errors} == {"stages[0].share", "alpha", "windows"}


@pytest.mark.parametrize(
    ("headers", "content", "status", "said"),
    [
        ({}, b"{}", 415, "has no Content-Type; send it as application/json"),
        ({"Content-Type": "text/plain"}, b"{}", 415, "has the type 'text/plain'; send it as application/json"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"why=x", 415, "application/json"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"\x1f", 415, "is compressed"),
        ({"Content-Type": "application/json; charset=utf-8"}, b"{", 422, "body is not JSON"),
        ({"Content-Type": "application/json"}, b"", 422, "body is missing"),
        ({"Content-Type": "application/json"}, b"\xff", 400, "cannot be read"),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400, "cannot be read"),
        ({"Content-Type": "application/json"}, b'{"why": NaN}', 422, "body.why is nan, but must be a text"),
    ],
)
def test_a_body_that_is_no_json_is_refused(api, base, headers, content, status: int, said: str):
    before = base.desired()
    found = problem(api.ask("POST", LOAD, content=content, headers=headers))
    assert found.status == status
    assert said in found.detail
    assert base.desired() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"request_id": "a", "correct": true}\n{"request_id": "b"}\n', "line 2 must have one of"),
        (b'{"request_id": "a", "correct": true}\nnot json\n', "line 2 is not JSON"),
        (b"\xff\xfe\n", "is not UTF-8"),
    ],
)
def test_of_lines_with_a_fault_none_is_taken(api, content: bytes, said: str):
    lines = {"Content-Type": "application/x-ndjson"}
    assert said in problem(api.post(FEEDBACK, content=content, headers=lines)).detail
    good = b'{"request_id": "a", "correct": true}\n'
    assert api.post(FEEDBACK, content=good, headers=lines).json()["new"] == 1


@pytest.mark.parametrize("tag", ["7", 'W/"7"', '"7", "8"', '"seven"', '""', '"' + "9" * 30 + '"'])
def test_a_condition_that_is_none_is_refused_rather_than_passed_over(api, base, tag: str):
    before = base.desired()
    found = problem(api.post(LOAD, {}, headers={"If-Match": tag}))
    assert found.status == 422
    assert found.errors[0].field == "header.if-match"
    assert 'such as "7", or *' in found.errors[0].reason
    assert base.desired() == before


def test_an_unknown_address_and_a_wrong_method_are_problems_too(api):
    assert problem(api.get("/v1/nope")).type == "/problems/no-such-address"
    assert problem(api.get("/v2/models")).type == "/problems/no-such-address"
    assert problem(api.get("/v1/models/")).type == "/problems/no-such-address"
    answer = api.ask("DELETE", "/v1/models")
    assert problem(answer).type == "/problems/method-not-allowed"
    assert answer.headers["allow"] == "GET"
    assert "does not take DELETE; it takes GET." in problem(answer).detail


def test_a_damaged_file_is_the_storages_fault_and_is_named(api, base):
    (base.control / "desired.json").write_text("{")
    found = problem(api.get("/v1/models/taxi"))
    assert (found.status, found.type) == (503, "/problems/corrupt-state")
    assert "desired.json cannot be used" in found.detail


def test_an_unforeseen_error_tells_nothing_of_the_inside_and_all_of_it_to_the_log(api, caplog, monkeypatch):
    from tfx_rollout.control.local import LocalControl

    def broken(_: LocalControl) -> None:
        raise ZeroDivisionError("the secret of the inside")

    monkeypatch.setattr(LocalControl, "models", broken)
    answer = api.get("/v1/models")
    assert problem(answer) == UNFORESEEN
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "the secret of the inside" in caplog.text


def test_errors_of_the_tree_have_their_status_and_kind():
    assert (of_error(StaleGeneration("m", 1, 2)).status, of_error(StaleGeneration("m", 1, 2)).type) == (
        409,
        "/problems/stale-generation",
    )
    assert of_error(CorruptState("f", "it is not JSON")).status == 503
    assert of_error(TaskFault("a fault of elsewhere")) == UNFORESEEN
    plan = of_error(InvalidPlan("The plan", ["alpha is 9, but must be less than 1"]))
    assert [(fault.field, fault.reason) for fault in plan.errors] == [("alpha", "is 9, but must be less than 1")]


def test_an_answer_does_not_grow_with_what_was_given(api):
    rows = [{"request_id": "x", "correct": 7}] * 1000
    answer = api.post(FEEDBACK, {"rows": rows})
    assert len(problem(answer).errors) <= MOST_FAULTS
    assert len(answer.content) < 20_000
    long = api.post(LOAD, {"why": "x" * 100_000})
    assert len(long.content) < 2000
    assert len(shown("x" * 1000)) == 60


def test_what_branches_of_a_union_say_alike_is_told_once():
    one = {"type": "string_type", "loc": ("body", "label"), "input": None, "msg": ""}
    assert len(faults([one, one])) == 1
    assert json.loads(faults([one])[0].model_dump_json())["field"] == "body.label"


def test_that_a_value_could_have_been_left_out_is_not_told(api):
    found = problem(api.ask("GET", "/v1/models/taxi/traffic?since=15m"))
    assert [(fault.field, fault.reason) for fault in found.errors] == [("query.since", "is '15m', but must be a number")]


@pytest.mark.parametrize("why", ["a\x1b[31m", "a\x00", "a\x9b", "a\u202eb"])
def test_a_reason_that_would_move_a_terminal_is_refused(api, base, why):
    answer = api.post("/v1/models/taxi/versions/2/pin", {"why": why})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"].endswith("must have no control characters")
    assert api.ask("DELETE", "/v1/models/taxi/versions/2", params={"why": why}).status_code == 422
    assert base.desired().pinned == ()
    assert 2 in base.versions()


def test_a_reason_becomes_one_line(api, base):
    api.post("/v1/models/taxi/versions/2/pin", {"why": " of many\r\n\tlines\u2028here "})
    assert base.desired().cause.why == "of many lines here"
