"""How much, how often, how slowly: beyond it one is told so, and nothing is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role
from tfx_rollout.control.http.bodies import bounded
from tfx_rollout.control.http.callers import Callers
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.settings import Limits

LOAD = "/v1/models/taxi/versions/2/load"
FEEDBACK = "/v1/models/taxi/feedback"
SMALL = Limits(body_bytes=1000, feedback_bytes=5000, body_seconds=0.2)


async def parts(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


def test_a_body_that_says_that_it_is_too_long_is_refused_before_it_is_read(api_of, base):
    answer = api_of(limits=SMALL).post(LOAD, {"why": "x" * 1000})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert "more than 1,000 bytes" in answer.json()["detail"]
    assert base.desired().versions == (1,)


def test_a_body_that_does_not_say_how_long_it_is_is_counted_as_it_comes(api_of, base):
    json = {"Content-Type": "application/json"}
    long = parts(b'{"why": "', *([b"x" * 100] * 20), b'"}')
    answer = api_of(limits=SMALL).ask("POST", LOAD, content=long, headers=json)
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413
    short = parts(b'{"why": ', b'"to try it"}')
    assert api_of(limits=SMALL).ask("POST", LOAD, content=short, headers=json).status_code == 200


def test_feedback_may_be_longer_than_anything_else_and_not_without_end(api_of):
    api = api_of(limits=SMALL)
    lines = b'{"request_id": "%d", "correct": true}\n'
    content = b"".join(lines % number for number in range(100))
    assert 1000 < len(content) < 5000
    headers = {"Content-Type": "application/x-ndjson"}
    assert api.ask("POST", FEEDBACK, content=content, headers=headers).json()["new"] == 100
    assert api.ask("POST", FEEDBACK, content=content * 2, headers=headers).status_code == 413


def test_a_body_that_comes_too_slowly_is_not_waited_for():
    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def read() -> None:
        await bounded(never, at_most=10, seconds=0.01)()  # type: ignore[arg-type]

    with pytest.raises(Refused) as refusal:
        asyncio.run(read())
    assert refusal.value.problem.status == 408
    assert refusal.value.headers == {"Connection": "close"}


def test_after_the_body_nothing_is_bounded_any_more():
    messages = iter([{"type": "http.request", "body": b"x" * 10, "more_body": False}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, object]:
        message = next(messages)
        if message["type"] == "http.disconnect":
            await asyncio.sleep(0.2)
        return message

    async def read() -> list[str]:
        receiving = bounded(receive, at_most=10, seconds=0.1)  # type: ignore[arg-type]
        return [(await receiving())["type"], (await receiving())["type"]]

    assert asyncio.run(read()) == ["http.request", "http.disconnect"]


def test_who_asks_too_often_is_told_when_to_come_again_and_others_are_not(api_of, token_of, base):
    api = api_of(limits=Limits(requests_per_second=0.01, burst=5))
    ann, ben = token_of(Role.OPERATE, "ann"), token_of(Role.OPERATE, "ben")
    answers = [api.post(LOAD, {}, token=ann) for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].json()["type"] == "/problems/too-many-requests"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 100
    assert api.post(LOAD, {}, token=ben).status_code == 200
    assert api.get("/healthz").status_code == 200


def test_wrong_tokens_from_one_address_are_slowed_down_and_the_right_one_is_not(api_of, token_of):
    api = api_of(limits=Limits(failed_per_minute=3))
    right = token_of(Role.READ)
    statuses = [api.get("/v1/me", token=f"tfxr_wrong-{number}").status_code for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert api.get("/v1/me", token=right).status_code == 200


def test_a_flood_of_refusals_does_not_fill_the_record(api_of, token_of):
    api = api_of(limits=Limits(failed_per_minute=3))
    admin = token_of(Role.ADMIN)
    for _ in range(20):
        api.post(LOAD, {}, token="tfxr_wrong")
        api.post(LOAD, {})
    assert api.get("/v1/audit", token=admin).json()["total"] <= 6


def test_buckets_fill_up_again_with_time(base):
    now = [0.0]
    callers = Callers(
        TokenFile(base.store.access_dir), Limits(requests_per_second=2, burst=1), open_to_local=True, clock=lambda: now[0]
    )
    callers.pace(None, "10.0.0.1")
    with pytest.raises(Refused):
        callers.pace(None, "10.0.0.1")
    now[0] = 0.6
    callers.pace(None, "10.0.0.1")


def test_headers_that_are_no_token_are_slowed_down_like_requests_without_one(api_of, token_of):
    api = api_of(limits=Limits(requests_per_second=0.01, burst=3))
    token_of(Role.READ)
    answers = [api.get("/v1/me", headers={"Authorization": f"Basic {number}"}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 3 + [429] * 2


@pytest.mark.parametrize("length", [{"Content-Length": "1"}, {"Transfer-Encoding": "chunked"}])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/events"), ("GET", "/healthz"), ("DELETE", "/v1/models/taxi/versions/3"), ("GET", "/")]
)
def test_a_body_where_none_is_taken_is_refused_before_it_comes(api, base, method, path, length):
    answer = api.ask(method, path, headers=length)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")
    assert answer.json()["detail"] == f"{method} takes no body here; send none."
    assert answer.headers["connection"] == "close"
    assert 3 in base.versions()


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "tfxr_x"])
def test_an_authorization_that_is_no_token_is_refused(api, token_of, header: str):
    token_of(Role.READ)
    answer: httpx.Response = api.get("/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_secret_that_is_put_where_a_name_belongs_is_not_recorded(api_of, token_of, base):
    api = api_of(token_of(Role.ADMIN))
    secret = token_of(Role.READ)
    api.post("/v1/tokens", {"name": secret, "role": "read"})
    api.ask("DELETE", f"/v1/tokens/{secret}")
    api.post(f"/v1/models/{secret}/rollback", {"why": f"it was {secret}"})
    api.post("/v1/models/taxi/versions/2/pin", {"why": secret})
    record = (base.store.access_dir / "audit.jsonl").read_text()
    assert record.count("\n") == 4
    assert secret not in record
    assert secret not in api.get("/v1/audit").text
