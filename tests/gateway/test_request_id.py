"""The id of a request: in every answer, at the server, in the log; and whom a sticky draw takes it to be from."""

from __future__ import annotations

import time

import grpc
import pytest

from tfx_rollout.evidence.access_log_line import LogLine
from tfx_rollout.gateway.access_log_folder import log_parts
from tfx_rollout.traffic import Sticky

pytestmark = pytest.mark.integration

KEPT = ["a", "x" * 128, "Trip_17.b-9", "d7ad2fbe-7f63-4ab1-bee9-1402b14f0223"]
REPLACED = ["x" * 129, "two words", "a,b", 'quo"ted', "per%cent", ""]


@pytest.fixture
def logged(gateway):
    """The lines of the requests with this id, once there are so many of them."""

    def find(request_id, count=1):
        deadline = time.monotonic() + 30
        while True:
            lines = [
                found
                for part in log_parts(gateway.settings.access_log)
                for text in part.path.read_text().splitlines()
                if (found := LogLine.parse(text)) is not None and found.request_id == request_id
            ]
            if len(lines) >= count:
                return lines
            assert time.monotonic() < deadline, f"no line has the id {request_id}"
            time.sleep(0.02)

    return find


@pytest.mark.parametrize("identity", KEPT)
def test_a_clients_own_id_is_kept_all_the_way(split, clients, logged, identity):
    split(0)
    by_grpc, by_rest = clients.grpc(headers=[("x-request-id", identity)]), clients.rest(headers={"x-request-id": identity})
    assert by_grpc.request_id == by_grpc.seen_id == identity
    assert by_rest.request_id == by_rest.body["id"] == identity
    lines = logged(identity, 2)
    assert {line.cluster for line in lines} == {"taxi~stable~grpc", "taxi~stable~rest"}
    assert len({line.stream for line in lines}) == 2


@pytest.mark.parametrize("identity", [None, *REPLACED])
def test_without_a_proper_one_there_is_a_fresh_one(split, clients, logged, identity):
    split(0)
    own = {} if identity is None else {"x-request-id": identity}
    by_grpc, by_rest = clients.grpc(headers=list(own.items())), clients.rest(headers=own)
    assert len({by_grpc.request_id, by_rest.request_id, identity}) == 3
    assert by_grpc.seen_id == by_grpc.request_id
    assert by_rest.body["id"] == by_rest.request_id
    assert logged(by_grpc.request_id)
    assert logged(by_rest.request_id)


def test_what_the_gateway_answers_itself_has_the_id_too(split, clients):
    split(0)
    own = {"x-request-id": "mine"}
    assert clients.rest("/v1/models/unknown:predict", headers=own).request_id == "mine"
    assert clients.rest("/gateway/heartbeat/", headers=own).request_id == "mine"
    assert clients.rest(headers={**own, "x-model-track": "blue"}).request_id == "mine"
    assert clients.grpc(model="unknown", headers=[*own.items()]).request_id == "mine"
    assert clients.grpc(fail=3, headers=[*own.items()]).request_id == "mine"
    bad = [("x-request-id", "no id")]
    call = clients.stub.Predict.future(clients.request(padding=10_000), compression=grpc.Compression.Gzip, metadata=bad)
    assert call.code() is grpc.StatusCode.UNIMPLEMENTED
    told = {**dict(call.initial_metadata()), **dict(call.trailing_metadata())}["x-request-id"]
    assert told != "no id"


def fnv1a_64(data):
    """The hash of http://www.isthe.com/chongo/tech/comp/fnv, written from its definition."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def test_the_log_tells_the_unit_of_a_sticky_draw_and_never_the_value(split, gateway, clients, logged):
    split(5000, sticky=Sticky("x-user", "trial-1"))
    value = "jo.doe@example.org / née"
    for number, call in enumerate((clients.grpc, clients.rest)):
        header = {"x-request-id": f"unit-{number}", "x-user": value.encode("utf-8").decode("latin-1") if number else "jo"}
        call(headers=list(header.items()) if call == clients.grpc else header)
    assert logged("unit-0")[0].unit == fnv1a_64(b"jo|trial-1")
    assert logged("unit-1")[0].unit == fnv1a_64(value.encode() + b"|trial-1")
    assert not any("example.org" in part.path.read_text() for part in log_parts(gateway.settings.access_log))


def test_there_is_no_unit_without_the_header_or_where_nothing_is_drawn(split, clients, logged):
    split(5000, sticky=Sticky("x-user", "trial-1"))
    clients.rest(headers={"x-request-id": "anonymous"})
    clients.rest(headers={"x-request-id": "forced", "x-user": "jo", "x-model-track": "canary"})
    clients.grpc(headers=[("x-request-id", "pinned"), ("x-user", "jo")], version=7)
    split(5000)
    clients.rest(headers={"x-request-id": "not-sticky", "x-user": "jo"})
    assert [logged(name)[0].unit for name in ("anonymous", "forced", "pinned", "not-sticky")] == [None] * 4


def test_who_has_a_track_keeps_it_and_their_unit_while_the_share_grows(split, clients, logged):
    sticky = Sticky("x-user", "trial-2")
    tracks = {}
    for share in (2000, 6000):
        split(share, sticky=sticky)
        for user in range(40):
            answer = clients.rest(headers={"x-request-id": f"{share}-{user}", "x-user": str(user)})
            tracks.setdefault(user, []).append(answer.track)
    assert {"canary", "stable"} <= {track for both in tracks.values() for track in both}
    assert all(before != "canary" or after == "canary" for before, after in tracks.values())
    units = [logged(f"2000-{user}")[0].unit for user in range(40)]
    assert len(set(units)) == 40
    assert units == [logged(f"6000-{user}")[0].unit for user in range(40)]
