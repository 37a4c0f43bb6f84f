"""What a browser must not be made to ask is refused; what people and programs ask is not."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from tfx_rollout.control.http.doors import Doors
from tfx_rollout.control.http.problems import Refused
from tfx_rollout.control.http.settings import is_loopback

HOST = {"host": "127.0.0.1:8600"}
LOCAL = Doors.of("127.0.0.1", ("models.example",), any_name=False)
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def refused(doors: Doors, method: str = "GET", scheme: str = "http", **headers: str) -> int | None:
    """The status, if it is refused."""
    try:
        doors.check(method, scheme, Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    except Refused as refusal:
        return refusal.problem.status
    return None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8600",
        "localhost:8600",
        "LOCALHOST",
        "[::1]:8600",
        "10.0.0.7:8600",
        "models.example",
        "models.example.:1",
    ],
)
def test_addresses_and_the_servers_own_names_are_known(host: str):
    assert refused(LOCAL, host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "localhost.evil.example:8600",
        "127.0.0.1.evil.example",
        "a b",
        "[::1",
        ":8600",
        "evil.example@127.0.0.1",
        "127.0.0.1/evil.example",
        "127.0.0.1:x",
        "2130706433",
        "localhost\xa0",
    ],
)
def test_a_name_that_somebody_elses_dns_may_point_here_is_not(host: str):
    assert refused(LOCAL, host=host) == 421


@pytest.mark.parametrize(
    "name", ["Host", "Origin", "Sec-Fetch-Site", "Authorization", "Content-Type", "Content-Encoding", "If-Match"]
)
def test_what_decides_is_not_said_twice(name: str):
    raw = [(b"host", b"127.0.0.1"), *[(name.lower().encode(), value) for value in (b"127.0.0.1", b"evil.example")]]
    with pytest.raises(Refused) as refusal:
        LOCAL.check("GET", "http", Headers(raw=raw))
    assert refusal.value.problem.status == 400
    assert f"The header {name.lower()} is there more than once" in refusal.value.problem.detail


def test_how_long_a_body_is_is_said_in_one_way():
    with pytest.raises(Refused) as refusal:
        LOCAL.check("POST", "http", Headers({**HOST, "content-length": "2", "transfer-encoding": "chunked"}))
    assert refusal.value.problem.status == 400
    assert refusal.value.headers == {"Connection": "close"}


def test_where_everything_needs_a_token_any_name_will_do():
    doors = Doors.of("0.0.0.0", (), any_name=True)
    assert refused(doors, host="tfx-rollout.models.svc:8600") is None
    assert refused(doors, host="") == 421
    assert refused(doors, host="x.example", origin="http://evil.example") == 403


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_page_of_another_site_is_refused_by_what_the_browser_says_of_it(method: str):
    assert refused(LOCAL, method, **HOST, sec_fetch_site="cross-site") == 403
    assert refused(LOCAL, method, **HOST, sec_fetch_site="same-site") == 403
    assert refused(LOCAL, method, **HOST, origin="http://evil.example") == 403
    assert refused(LOCAL, method, **HOST, origin="null") == 403
    assert refused(LOCAL, method, **HOST, origin="https://127.0.0.1:8600") == 403
    assert refused(LOCAL, method, **HOST, origin="http://127.0.0.1:8601") == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_its_own_page_and_programs_may_ask(method: str):
    assert refused(LOCAL, method, **HOST) is None
    assert refused(LOCAL, method, **HOST, sec_fetch_site="same-origin", origin="http://127.0.0.1:8600") is None
    assert refused(LOCAL, method, **HOST, sec_fetch_site="none") is None
    assert refused(LOCAL, method, "https", **HOST, origin="https://127.0.0.1:8600") is None


def test_a_link_from_elsewhere_may_be_followed_and_a_form_may_not_be_sent():
    assert refused(LOCAL, "GET", **HOST, **{name.replace("-", "_"): value for name, value in LINK.items()}) is None
    assert refused(LOCAL, "POST", **HOST, **LINK, origin="http://evil.example") == 403
    framed = {**LINK, "sec-fetch-dest": "iframe"}
    assert refused(LOCAL, "GET", **HOST, **framed) == 403


def test_loopback_is_told_from_the_rest():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "models.example", ""))


def test_a_refused_request_changes_nothing_and_its_answer_is_guarded_too(api, base):
    before = base.desired()
    answers = [
        api.post("/v1/models/taxi/versions/2/load", {}, headers={"Origin": "http://evil.example"}),
        api.post("/v1/models/taxi/versions/2/load", {}, headers={"Sec-Fetch-Site": "cross-site"}),
        api.post("/v1/models/taxi/versions/2/load", {}, headers={"Host": "evil.example"}),
        api.post(
            "/v1/models/taxi/versions/2/load", content="why=x", headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 421, 415]
    assert base.desired() == before
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/v1/models", "/v1/nope", "/metrics", "/page/js/main.js", "/healthz", "/openapi.json"])
def test_every_answer_tells_browsers_to_guess_frame_and_send_nothing(api, path: str):
    headers = api.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "set-cookie" not in headers
    assert "server" not in headers
    assert headers["cache-control"] == ("no-cache" if path == "/" or path.startswith("/page/") else "no-store")
