"""What can go wrong between here and the API: each in one sentence, of one kind; and what is asked again."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator

import httpx
import pytest

from tfx_rollout.control.documents import ConfigurationWanted, Role, TokenWanted
from tfx_rollout.control.remote import RemoteControl, channel
from tfx_rollout.errors import (
    ApiBusy,
    ApiDiffers,
    ApiFault,
    ApiRefused,
    ApiUnreachable,
    ApiUntrusted,
    Conflict,
    CorruptState,
    InvalidInput,
)

ME = {"name": "ann", "role": "read"}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(channel.time, "sleep", lambda seconds: None)


@pytest.fixture
def answering():
    """`answering(answers…)`: a `RemoteControl` whose requests get these answers in turn, and the list of what was asked."""

    def answering(*answers, **options):
        asked, left = [], list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            request.read()
            asked.append(request)
            given = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(given, Exception):
                raise given
            return given

        return RemoteControl("http://api.test", transport=httpx.MockTransport(answer), **options), asked

    return answering


def problem(status: int, kind: str, detail: str = "So it is; do it otherwise.", **more: object) -> httpx.Response:
    document = {"type": f"/problems/{kind}", "title": kind, "status": status, "detail": detail, **more}
    return httpx.Response(status, content=json.dumps(document), headers={"Content-Type": "application/problem+json"})


def test_what_only_reads_is_asked_again_when_the_connection_fails(answering):
    control, asked = answering(httpx.ConnectError("refused"), httpx.ReadError("reset"), httpx.Response(200, json=ME))
    assert control.whoami().name == "ann"
    assert len(asked) == 3


def test_what_only_reads_is_not_asked_for_ever(answering):
    control, asked = answering(httpx.ConnectError("refused"))
    with pytest.raises(ApiUnreachable, match=r"The API at http://api.test cannot be reached \(refused\)"):
        control.whoami()
    assert len(asked) == channel.TRIES


def test_a_change_is_asked_for_once(answering):
    control, asked = answering(httpx.ReadError("reset"))
    with pytest.raises(ApiUnreachable, match=r"broke the connection \(reset\); see what became of it"):
        control.pin("taxi", 2, why="a test")
    assert len(asked) == 1


def test_a_proxy_without_an_api_behind_it_says_that_it_is_away(answering):
    control, _ = answering(httpx.Response(502, text="<h1>Bad gateway</h1>"))
    with pytest.raises(ApiUnreachable, match="is away"):
        control.models()


def test_asked_too_often_it_waits_as_long_as_it_is_told_for_what_only_reads(answering):
    busy = httpx.Response(429, headers={"Retry-After": "2"})
    control, asked = answering(busy, httpx.Response(200, json=ME))
    assert control.whoami().name == "ann"
    assert len(asked) == 2
    control, asked = answering(busy)
    with pytest.raises(ApiBusy, match=r"asked too often \(429\); ask again in 2 s"):
        control.unpin("taxi", 2, why="a test")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "token", "sentence"),
    [
        (
            problem(401, "no-token", "This needs a token."),
            None,
            r"asks for a token \(401: This needs a token\); give one, by TFX",
        ),
        (
            problem(401, "wrong-token", "It ran out."),
            "secret",
            r"did not take the token \(401: It ran out\); give one that is valid",
        ),
        (
            problem(403, "role-too-low", "This needs the role admin."),
            "secret",
            r"not allow this \(403: This needs the role admin\)",
        ),
    ],
)
def test_who_may_not_is_told_why_and_never_the_secret(answering, answer, token, sentence):
    control, asked = answering(answer, token=token)
    with pytest.raises(ApiRefused, match=sentence) as refused:
        control.audit()
    assert "secret" not in str(refused.value)
    assert asked[0].headers.get("Authorization") == (None if token is None else "Bearer secret")


@pytest.mark.parametrize(
    ("answer", "kind", "sentence"),
    [
        (problem(409, "conflict", current={"generation": 4}), Conflict, "So it is; do it otherwise."),
        (problem(409, "a-kind-of-later-days"), Conflict, "So it is; do it otherwise."),
        (problem(418, "a-kind-of-later-days"), InvalidInput, "So it is; do it otherwise."),
        (problem(503, "corrupt-state"), CorruptState, "So it is; do it otherwise."),
        (problem(500, "unforeseen"), ApiFault, r"failed \(500: So it is; do it otherwise\); see to the log"),
    ],
)
def test_a_problem_is_the_error_that_it_was_there(answering, answer, kind, sentence):
    control, _ = answering(answer)
    with pytest.raises(kind, match=sentence) as raised:
        control.pin("taxi", 2, why="a test")
    assert type(raised.value) is kind


def about(title: str, version: str) -> httpx.Response:
    return httpx.Response(200, json={"info": {"title": title, "version": version}})


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (problem(404, "no-such-address"), about("tfx-rollout", "2.0.0"), "is of version 2.0.0, and version 1 is spoken here"),
        (
            httpx.Response(200, json={"user": "x"}),
            about("tfx-rollout", "1.0.0"),
            r"Whoami that cannot be read \(name: Field required\)",
        ),
        (httpx.Response(404, text="not here"), about("Petstore", "1.0.0"), "is not that of tfx-rollout: it answered 404"),
        (
            httpx.Response(200, text="<html>"),
            httpx.Response(404),
            "is not that of tfx-rollout: it answered /v1/me with something",
        ),
        (httpx.Response(308, headers={"Location": "https://x/"}), about("", ""), "sends elsewhere, to https://x/"),
    ],
)
def test_another_version_or_something_else_is_told_apart(answering, first, second, sentence):
    control, _ = answering(first, second)
    with pytest.raises(ApiDiffers, match=sentence):
        control.whoami()


def test_conditions_and_dry_runs_are_sent_as_http_has_them(answering):
    control, asked = answering(problem(409, "conflict"))
    for change in (
        lambda: control.configure("taxi", ConfigurationWanted(pinned=[2], why="a test")),
        lambda: control.configure("taxi", ConfigurationWanted(pinned=[2]), expected=7, dry_run=True),
        lambda: control.remove_alias("taxi", "x", why="no more", expected=3),
    ):
        with pytest.raises(Conflict):
            change()
    first, second, third = asked
    assert (first.method, first.headers["If-Match"], json.loads(first.content)) == (
        "PATCH",
        "*",
        {"pinned": [2], "why": "a test"},
    )
    assert (second.headers["If-Match"], second.url.params["dry_run"]) == ('"7"', "true")
    assert (third.method, third.headers["If-Match"], third.url.params["why"]) == ("DELETE", '"3"', "no more")


def test_feedback_goes_out_line_by_line(answering):
    control, asked = answering(httpx.Response(200, json={"model": "taxi", "new": 2, "known": 0}))
    assert control.give_feedback("taxi", iter([{"request_id": "a"}, '{"request_id": "ü"}\r\n'])).new == 2
    assert asked[0].headers["Content-Type"] == "application/x-ndjson"
    assert asked[0].headers["Transfer-Encoding"] == "chunked"
    assert asked[0].content == '{"request_id": "a"}\n{"request_id": "ü"}\n'.encode()


EVENTS = 'id: 1\nevent: event\ndata: {"number": 1}\n\n: alive\n\nid: 2\nevent: event\ndata: {"number": 2}\n\n'


class Broken(httpx.SyncByteStream):
    """A stream that breaks off after this."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __iter__(self) -> Iterator[bytes]:
        yield self._text.encode()
        raise httpx.RemoteProtocolError("peer closed connection")


def test_a_stream_that_breaks_is_taken_up_after_its_last_event(answering):
    control, asked = answering(
        httpx.Response(200, stream=Broken(EVENTS + 'id: 3\nevent: event\ndata: {"num')),
        httpx.ConnectError("refused"),
        httpx.Response(200, text='id: 3\nevent: report\ndata: {"outcome": "promoted"}\n\n'),
    )
    told = list(control.follow_rollout("taxi", "r1"))
    assert told == [{"type": "event", "number": 1}, {"type": "event", "number": 2}, {"type": "report", "outcome": "promoted"}]
    assert [request.headers.get("Last-Event-ID") for request in asked] == [None, "2", "2"]


def test_a_stream_is_not_taken_up_for_ever(answering, monkeypatch):
    now = iter(range(0, 10_000, 20))
    monkeypatch.setattr(channel.time, "monotonic", lambda: float(next(now)))
    control, asked = answering(httpx.Response(200, stream=Broken(EVENTS)), httpx.ConnectError("refused"))
    following = control.follow_rollout("taxi", "r1")
    assert [next(following)["number"], next(following)["number"]] == [1, 2]
    with pytest.raises(ApiUnreachable):
        next(following)
    assert 3 <= len(asked) <= 6


def test_a_stream_of_what_is_not_there_is_an_error_at_once(answering):
    control, asked = answering(problem(404, "not-found", "There is no rollout r1."))
    with pytest.raises(Exception, match="There is no rollout r1"):
        next(control.follow_rollout("taxi", "r1"))
    assert len(asked) == 1


@pytest.mark.parametrize("url", ["", "api.test", "ftp://api.test", "http://", "http://ann:hunter2@api.test"])
def test_what_is_no_address_is_refused_without_a_secret_in_the_sentence(url):
    with pytest.raises(InvalidInput, match="is no address of an API") as refused:
        RemoteControl(url)
    assert "hunter2" not in str(refused.value)


def test_nobody_listening_is_told(base):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ApiUnreachable, match=f"The API at http://127.0.0.1:{port} cannot be reached"):
        RemoteControl(f"http://127.0.0.1:{port}").models()


def test_one_that_does_not_answer_is_told():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ApiUnreachable, match="did not answer in time"):
            RemoteControl(address, timeout=0.2).models()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    import subprocess

    folder = tmp_path_factory.mktemp("tls")
    files = (folder / "cert.pem", folder / "key.pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, "-out", files[0], "-keyout", files[1], *subject], check=True, capture_output=True
    )
    return files


def test_over_tls_the_certificate_must_be_one_to_trust(base, serve_api, local, certificate):
    cert, key = certificate
    secret = local.create_token(TokenWanted(name="ann", role=Role.READ)).secret
    url = serve_api(base.store.root, tls_cert=cert, tls_key=key, scheme="https")
    assert RemoteControl(url, token=secret, ca=cert).whoami().name == "ann"
    with pytest.raises(
        ApiUntrusted, match=r"has a certificate that is not trusted \(self.signed certificate\); give .* --ca FILE"
    ):
        RemoteControl(url, token=secret).whoami()
    with pytest.raises(InvalidInput, match="is no file of certificates to trust"):
        RemoteControl(url, token=secret, ca=key.parent / "nothing.pem")
    with pytest.raises(ApiFault, match="https"):
        RemoteControl(url.replace("https", "http"), token=secret).whoami()


def test_tls_where_there_is_none_is_told(base, serve_api):
    url = serve_api(base.store.root).replace("http", "https")
    with pytest.raises(ApiUntrusted, match=r"does not speak TLS as it should.*begins with http:"):
        RemoteControl(url).whoami()


def test_the_channel_is_for_several_threads(base, serve_api):
    control = RemoteControl(serve_api(base.store.root))
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(control.model("taxi").model)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == ["taxi"] * 8


def test_the_usual_authorities_are_trusted_without_a_file():
    assert channel._trust(None).verify_mode is ssl.CERT_REQUIRED
