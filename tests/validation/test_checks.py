"""What is seen of a candidate decides; every fault becomes one sentence that names its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from tfx_rollout.saved_model import Compatibility, Signature, TensorSpec
from tfx_rollout.validation import Limits, RequestSettings
from tfx_rollout.validation.checks import judge, quantiles
from tfx_rollout.validation.observation import Answer, Exchange, Load, Observation, Protocol
from tfx_rollout.validation.requests import Request

SIGNATURE = Signature(
    "serving_default",
    inputs={"miles": TensorSpec("m:0", "float32", (None,))},
    outputs={"tip": TensorSpec("t:0", "float32", (None, 1))},
)
SETTINGS = RequestSettings(minimum=3, maximum=10)


def tip(value: float, dtype: type = np.float32) -> dict[str, np.ndarray]:
    return {"tip": np.array([[value]], dtype)}


FLAT = {"tip": np.array([0.5], np.float32)}


def exchange(number: int, expected: Mapping | None = None, **answer) -> Exchange:
    request = Request(number, "serving_default", {"miles": np.array([number], np.float32)})
    given = {"outputs": tip(number / 10), **answer}
    answers = (
        Answer(Protocol.GRPC, 0.001 * number, version=given.pop("version", 1), **given),
        Answer(Protocol.REST, 0.002 * number, outputs=tip(number / 10)),
    )
    return Exchange(request, tip(number / 10) if expected is None else expected, "", answers)


GOOD = Observation(
    signatures={"serving_default": SIGNATURE},
    load=Load(1.25),
    version=1,
    exchanges=tuple(exchange(n) for n in range(1, 6)),
    with_examples=True,
)


def verdict(**changes):
    return judge(replace(GOOD, **changes), SETTINGS, Limits())


def fifth(*last: Exchange) -> tuple[Exchange, ...]:
    return (*GOOD.exchanges[:4], *last)


def test_a_candidate_that_answers_as_in_process_is_blessed_with_all_figures():
    result = verdict()
    assert result.blessed
    assert result.reasons == ()
    document = result.to_json()
    assert document["requests"] == {"distinct": {"serving_default": 5}, "minimum": 3, "maximum": 10}
    assert document["protocols"]["grpc"]["sent"] == document["protocols"]["rest"]["answered"] == 5
    assert document["protocols"]["rest"]["latency"]["first_ms"] == 2.0
    assert document["protocols"]["rest"]["latency"]["max_ms"] == 10.0
    assert "5 over gRPC and 5 over REST" in result.reason


def failed(result) -> list[str]:
    return [check.name for check in result.checks if not check.passed]


@pytest.mark.parametrize(
    ("last", "check", "words"),
    [
        (exchange(5, outputs=tip(0.9)), "values", ["request 5", "gRPC", "0.9", "in process it is 0.5", "miles=5.0"]),
        (exchange(5, outputs=None, error="INTERNAL no such company"), "errors", ["request 5", "no such company"]),
        (exchange(5, outputs=tip(np.nan), expected=tip(np.nan)), "finite", ["request 5", "nan"]),
        (
            exchange(5, outputs={"tip": np.array([0.5], np.float32)}, expected={"tip": np.array([0.5], np.float32)}),
            "types",
            ["[1]"],
        ),
        (exchange(5, outputs=tip(0.5, np.float64)), "types", ["float64", "float32 [?, 1]"]),
        (exchange(5, outputs={}), "values", ["the outputs are none"]),
        (exchange(5, version=7), "version", ["version 7 answered, not 1"]),
    ],
)
def test_one_bad_answer_is_enough_and_is_named(last: Exchange, check: str, words: list[str]):
    result = verdict(exchanges=fifth(last))
    assert not result.blessed
    assert check in failed(result)
    assert all(any(word in reason for reason in result.reasons) for word in words), result.reasons


def test_differences_below_the_tolerance_are_no_faults():
    assert verdict(exchanges=fifth(exchange(5, outputs=tip(0.5 + 1e-6)))).blessed


def test_a_request_that_fails_in_process_is_a_fault_too():
    broken = replace(exchange(5), expected=None, expected_error="no such company")
    assert "fails in process: no such company" in verdict(exchanges=fifth(broken)).reason


def test_a_model_that_does_not_load_is_asked_nothing():
    result = verdict(load=Load(3.0, "op Foo is not registered"), exchanges=())
    assert failed(result) == ["load"]
    assert result.reason == "it cannot be served: op Foo is not registered"


def test_too_few_distinct_requests_are_no_blessing():
    result = verdict(exchanges=GOOD.exchanges[:2])
    assert failed(result) == ["requests"]
    assert "only 2 distinct requests for serving_default, and a blessing takes 3" in result.reason


def test_a_crash_is_named():
    result = verdict(crash="request 6 of serving_default ends the server with code -11")
    assert failed(result) == ["crash"]


def test_a_missing_signature_names_those_that_exist():
    assert verdict(missing=("classify",)).reason == "it has no signature classify (it has: serving_default)"


def test_a_signature_that_was_asked_for_and_cannot_be_tested_is_a_fault():
    seen = replace(
        GOOD, untested={"other": "none of its inputs is a feature"}, signatures={**GOOD.signatures, "other": SIGNATURE}
    )
    assert judge(seen, SETTINGS, Limits()).blessed
    wanted = replace(SETTINGS, signatures=("other", "serving_default"))
    assert failed(judge(seen, wanted, Limits())) == ["signatures"]


def test_examples_that_fit_no_signature_are_no_blessing():
    assert "no signature can be tested" in verdict(untested={"serving_default": "no feature"}, exchanges=()).reason


def test_loading_alone_is_enough_where_no_examples_were_given():
    result = verdict(with_examples=False, exchanges=())
    assert result.blessed
    assert result.to_json()["mode"] == "load only"


def test_what_breaks_clients_of_the_live_version_is_a_fault():
    result = verdict(compatibility=Compatibility(("signature old is gone",)))
    assert failed(result) == ["compatibility"]


def test_limits_of_latency_are_held():
    result = judge(GOOD, SETTINGS, Limits(p50_ms=7.0, p99_ms=9.0))
    assert failed(result) == ["latency"]
    assert result.checks[-1].count == 2, "gRPC keeps both limits, REST neither"


def test_the_first_answer_is_kept_out_of_the_quantiles():
    slow = (replace(GOOD.exchanges[0], answers=(Answer(Protocol.GRPC, 9.0, outputs=tip(0.1)),)), *GOOD.exchanges[1:])
    found = quantiles(slow, Protocol.GRPC)
    assert (found["first_ms"], found["max_ms"]) == (9000.0, 5.0)
    assert quantiles((), Protocol.GRPC) == {}


def test_of_many_faults_a_few_are_kept_and_all_are_counted():
    result = verdict(exchanges=tuple(exchange(n, outputs=tip(9.0)) for n in range(1, 9)))
    values = next(check for check in result.checks if check.name == "values")
    assert (len(values.faults), values.count) == (5, 8)
    assert result.reasons[0].endswith("(and 7 more like it)")
