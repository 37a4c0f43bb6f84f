from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.evidence.access_log_line import DrawnRequest, LogLine, code_name, drawn_request, emission
from tfx_rollout.gateway.log_format import FIELDS, LOG_FORMAT
from tfx_rollout.traffic import Track

WAITING_S = 2.0


def line(**fields):
    """One line as Envoy writes it: a good gRPC answer of the stable track, save for these fields."""
    values = {
        "start": "1000.250000",
        "emitted": "1000.254100",
        "kind": "DownstreamEnd",
        "connection": "7",
        "route": "draw/taxi/grpc",
        "cluster": "taxi~stable~grpc",
        "http_code": "200",
        "grpc_code": "0",
        "received_us": "1000",
        "answered_us": "4000",
        "flags": "-",
        "attempts": "1",
        "request_id": "d7ad2fbe-7f63-4ab1-bee9-1402b14f0223",
        "unit": "-",
        "version": "-",
        **fields,
    }
    return " ".join(values[name] for name, _ in FIELDS)


def meaning(**fields):
    """What a line says, but for the request's id."""
    found = drawn_request(LogLine.parse(line(**fields)), waiting_s=WAITING_S)
    return None if found is None else replace(found, request_id=None)


def test_a_line_says_what_envoy_was_told_to_write():
    assert LOG_FORMAT.count(" ") == len(FIELDS) - 1
    parsed = LogLine.parse(line(flags="UF,URX"))
    assert (parsed.start, parsed.ended, parsed.grpc_code, parsed.flags) == (1000.25, True, 0, {"UF", "URX"})
    assert (parsed.request_id, parsed.unit) == ("d7ad2fbe-7f63-4ab1-bee9-1402b14f0223", None)
    assert LogLine.parse(line(unit="af63dc4c8601ec8c")).unit == "af63dc4c8601ec8c"


def test_the_lines_of_one_request_have_one_stream_and_other_requests_with_its_id_have_another():
    first = LogLine.parse(line())
    assert LogLine.parse(line(kind="DownstreamPeriodic", emitted="1000.750000")).stream == first.stream
    for other in ({"start": "1000.250001"}, {"connection": "8"}, {"request_id": "x"}):
        assert LogLine.parse(line(**other)).stream != first.stream


@pytest.mark.parametrize("torn", ["", "1000.25", line()[:-8], line(start="x"), line(kind="UpstreamEnd"), line() + " more"])
def test_what_is_no_whole_line_is_passed_over(torn):
    assert LogLine.parse(torn) is None


@pytest.mark.parametrize(("written", "read"), [("17", 17), ("-", None), ("nonsense", None), ("²", None), ("-3", None)])
def test_a_line_says_which_version_answered_where_the_answer_does(written, read):
    assert LogLine.parse(line(version=written)).version == read


def test_the_lines_of_a_gateway_that_wrote_no_version_are_still_read():
    old = line(version="17").rpartition(" ")[0]
    assert LogLine.parse(old) == LogLine.parse(line())
    assert emission(old) == emission(line(version="17")) == 1000.2541


def test_a_good_answer_counts_with_the_time_from_the_last_byte_in_to_the_last_byte_out():
    assert meaning() == DrawnRequest("taxi", Track.STABLE, 1000.25, "OK", 3000.0)


def test_what_the_draw_did_not_send_is_no_evidence():
    assert meaning(route="forced/taxi/canary/grpc", cluster="taxi~canary~grpc") is None
    assert meaning(route="pinned/taxi/grpc", cluster="taxi~pinned~grpc") is None
    assert meaning(route="metadata/taxi/grpc") is None
    assert meaning(route="heartbeat", cluster="-") is None


def test_a_body_that_the_gateway_cuts_off_is_no_evidence_and_a_server_that_refuses_one_is():
    cut_off = {"cluster": "taxi~canary~rest", "route": "draw/taxi/rest", "http_code": "413", "received_us": "-"}
    assert meaning(**cut_off, answered_us="-") is None
    assert meaning(**cut_off, answered_us="700").code == "RESOURCE_EXHAUSTED"


def test_the_evidence_knows_the_requests_id_and_whom_it_was_drawn_for():
    found = drawn_request(LogLine.parse(line(request_id="r-1", unit="af63dc4c8601ec8c")), waiting_s=WAITING_S)
    assert (found.request_id, found.unit) == ("r-1", "af63dc4c8601ec8c")


def test_a_request_that_was_tried_again_is_one_request_with_its_last_answer():
    assert meaning(attempts="3") == meaning(attempts="1")
    assert meaning(attempts="2", grpc_code="14").code == "UNAVAILABLE"


def test_a_copy_is_evidence_of_the_shadow():
    copy = meaning(route="shadow", cluster="taxi~shadow~grpc", grpc_code="13")
    assert copy == DrawnRequest("taxi", Track.SHADOW, 1000.25, "INTERNAL", 3000.0)


def test_a_failure_on_grpc_is_a_status_and_on_rest_a_code():
    assert meaning(grpc_code="13") == DrawnRequest("taxi", Track.STABLE, 1000.25, "INTERNAL", 3000.0)
    rest = {"route": "draw/taxi/rest", "cluster": "taxi~canary~rest", "grpc_code": "-"}
    assert meaning(**rest, http_code="400") == DrawnRequest("taxi", Track.CANARY, 1000.25, "INVALID_ARGUMENT", 3000.0)
    assert meaning(**rest, http_code="201").code == "OK"


def test_grpc_without_a_status_is_a_failure():
    assert (meaning(grpc_code="-").code, meaning(grpc_code="99").code) == ("UNKNOWN", "UNKNOWN")


@pytest.mark.parametrize(
    ("http", "name"), [(200, "OK"), (404, "NOT_FOUND"), (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (418, "UNKNOWN")]
)
def test_http_codes_have_the_names_of_statuses(http, name):
    assert code_name(http, None, grpc=False) == name


def test_an_answer_by_the_gateway_itself_lasts_to_its_end():
    unreachable = meaning(http_code="200", grpc_code="14", answered_us="-", flags="UF")
    assert unreachable.code == "UNAVAILABLE"
    assert unreachable.latency_us == pytest.approx(3100, abs=1)


def test_a_rest_answer_that_breaks_off_is_no_good_one():
    broken = meaning(
        route="draw/taxi/rest", cluster="taxi~stable~rest", http_code="200", grpc_code="-", answered_us="-", flags="UC"
    )
    assert broken.code == "UNAVAILABLE"


def test_a_client_that_gave_up_was_not_answered():
    for gone in ({"http_code": "0", "grpc_code": "-", "flags": "DR"}, {"http_code": "200", "grpc_code": "-", "flags": "DC"}):
        assert meaning(answered_us="-", **gone) == DrawnRequest("taxi", Track.STABLE, 1000.25, "CANCELLED", None)


def test_an_answer_after_the_waiting_time_is_none():
    late = DrawnRequest("taxi", Track.STABLE, 1000.25, "DEADLINE_EXCEEDED", None)
    assert meaning(answered_us="2000001") == late
    assert meaning(answered_us="2000000").code == "OK"
    assert meaning(http_code="0", grpc_code="-", answered_us="-", flags="DC", emitted="1002.500000") == late


def test_a_client_that_sends_slowly_is_no_evidence():
    assert meaning(received_us="500001", answered_us="510000") is None
    assert meaning(received_us="-", http_code="0", grpc_code="-", answered_us="-", flags="DC") is None


def test_an_answer_before_the_whole_request_counts():
    early = meaning(route="draw/taxi/rest", cluster="taxi~stable~rest", received_us="-", http_code="413", grpc_code="-")
    assert (early.code, early.latency_us) == ("RESOURCE_EXHAUSTED", 4000.0)


def test_a_line_of_progress_is_open_until_there_is_an_answer():
    running = {"kind": "DownstreamPeriodic", "http_code": "0", "grpc_code": "-"}
    assert meaning(**running, answered_us="-") == DrawnRequest(
        "taxi", Track.STABLE, 1000.25, "DEADLINE_EXCEEDED", None, open=True
    )
    assert meaning(**running, answered_us="300000") is None
    assert meaning(**running, answered_us="-", received_us="-") is None
