"""From what was seen of a candidate to whether it is blessed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfx_rollout.validation.observation import Answer, Exchange, Observation, Protocol
from tfx_rollout.validation.requests import Tensors, numpy_dtype
from tfx_rollout.validation.result import Check, ValidationResult
from tfx_rollout.validation.settings import Limits, RequestSettings

KEPT = 5
"""Faults that a check keeps in full; the rest are only counted."""


def judge(seen: Observation, settings: RequestSettings, limits: Limits) -> ValidationResult:
    """All checks that the observation allows: a model that did not load is not asked about its answers."""
    checks = [_load(seen), _signatures(seen, settings)]
    if seen.compatibility is not None:
        question = "Can clients of the live version talk to it?"
        notes = list(seen.compatibility.notes)
        checks.append(_check("compatibility", question, iter(seen.compatibility.faults), notes=notes))
    if not seen.load.error and seen.with_examples:
        checks += [
            _enough(seen, settings),
            _check("crash", "Did the server stay up while it answered?", iter([seen.crash] if seen.crash else [])),
            _check("errors", "Was every request answered?", _errors(seen)),
            _check("values", "Does the server answer what the model answers in process?", _each(seen, _value_faults, limits)),
            _check("finite", "Is every number finite?", _each(seen, _finite_faults, limits)),
            _check("types", "Has every output the dtype and shape of the signature?", _each(seen, _type_faults(seen), limits)),
            _check("version", "Did the version answer that was asked?", _each(seen, _version_faults(seen), limits)),
            _latency(seen, limits),
        ]
    return ValidationResult(tuple(checks), _figures(seen, settings))


def disagreement(expected: Tensors, got: Tensors, limits: Limits, dtypes: dict[str, str]) -> str | None:
    """In what two answers differ beyond the tolerance, as half a sentence; None where they agree."""
    if set(expected) != set(got):
        return f"the outputs are {', '.join(sorted(got)) or 'none'}, in process they are {', '.join(sorted(expected))}"
    for name in sorted(expected):
        want, have = expected[name], got[name]
        if want.shape != have.shape:
            return f"output {name} has the shape {list(have.shape)}, in process it is {list(want.shape)}"
        if (want.dtype == object) != (have.dtype == object):
            return f"output {name} is {have.dtype}, in process it is {want.dtype}"
        tolerance = limits.tolerance(dtypes.get(name, want.dtype.name))
        exact = want.dtype == object or want.dtype.kind in "bui"
        same = want == have if exact else np.isclose(have, want, tolerance.relative, tolerance.absolute, equal_nan=True)
        if not np.all(same):
            at = np.argwhere(~np.atleast_1d(same))[0]
            first, second = np.atleast_1d(have)[tuple(at)], np.atleast_1d(want)[tuple(at)]
            return f"output {name} is {_shown(first)}, in process it is {_shown(second)}"
    return None


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, bytes) else str(value)


def _load(seen: Observation) -> Check:
    faults = [f"it cannot be served: {seen.load.error}"] if seen.load.error else []
    return _check("load", "Does the server load it in time?", iter(faults), seconds=round(seen.load.seconds, 3))


def _signatures(seen: Observation, settings: RequestSettings) -> Check:
    there = ", ".join(sorted(seen.signatures)) or "none"
    faults = [f"it has no signature {name} (it has: {there})" for name in seen.missing]
    if seen.with_examples:
        wanted = settings.signatures or ()
        faults += [f"signature {name} cannot be tested: {why}" for name, why in sorted(seen.untested.items()) if name in wanted]
        if not faults and not set(seen.signatures) - set(seen.untested):
            why = "; ".join(f"{name}: {reason}" for name, reason in sorted(seen.untested.items())) or "it has no signature"
            faults.append(f"no signature can be tested with these examples ({why})")
    return _check("signatures", "Has it the signatures that are wanted?", iter(faults), untested=dict(seen.untested))


def _enough(seen: Observation, settings: RequestSettings) -> Check:
    sent = Counter(exchange.request.signature for exchange in seen.exchanges)
    tested = sorted(set(seen.signatures) - set(seen.untested))
    few = [name for name in tested if sent[name] < settings.minimum and not seen.crash]
    faults = (
        f"the examples give only {sent[name]} distinct requests for {name}, and a blessing takes {settings.minimum}; "
        "give more examples or lower requests.minimum"
        for name in few
    )
    return _check("requests", "Are there enough distinct requests to judge by?", faults, distinct=dict(sent))


def _errors(seen: Observation) -> Iterator[str]:
    for exchange in seen.exchanges:
        if exchange.expected_error:
            yield f"{exchange.request} fails in process: {exchange.expected_error}"
        for answer in exchange.answers:
            if answer.error:
                yield f"{exchange.request} fails over {answer.protocol}: {answer.error}"


def _value_faults(exchange: Exchange, answer: Answer, limits: Limits, dtypes: dict[str, str]) -> Iterator[str]:
    if exchange.expected is not None and answer.outputs is not None:
        difference = disagreement(exchange.expected, answer.outputs, limits, dtypes)
        if difference:
            yield f"{exchange.request} over {answer.protocol}: {difference}"


def _finite_faults(exchange: Exchange, answer: Answer, limits: Limits, dtypes: dict[str, str]) -> Iterator[str]:
    for name, tensor in sorted((answer.outputs or {}).items()):
        if tensor.dtype.kind in "fc" and not np.all(np.isfinite(tensor)):
            yield f"{exchange.request} over {answer.protocol}: output {name} holds {_first_not_finite(tensor)}"


def _first_not_finite(tensor: NDArray[Any]) -> str:
    return str(tensor[~np.isfinite(tensor)].ravel()[0])


_Fault = Callable[[Exchange, Answer, Limits, dict[str, str]], Iterator[str]]


def _type_faults(seen: Observation) -> _Fault:
    def faults(exchange: Exchange, answer: Answer, limits: Limits, dtypes: dict[str, str]) -> Iterator[str]:
        promised = seen.signatures[exchange.request.signature].outputs
        for name, tensor in sorted((answer.outputs or {}).items()):
            where = f"{exchange.request} over {answer.protocol}: output {name}"
            spec = promised.get(name)
            if spec is None:
                yield f"{where} is not in the signature"
            elif not spec.admits(tensor.shape):
                yield f"{where} has the shape {list(tensor.shape)}, the signature says {spec}"
            elif tensor.dtype != numpy_dtype(spec.dtype):
                yield f"{where} is {tensor.dtype}, the signature says {spec}"

    return faults


def _version_faults(seen: Observation) -> _Fault:
    def faults(exchange: Exchange, answer: Answer, limits: Limits, dtypes: dict[str, str]) -> Iterator[str]:
        if answer.version is not None and answer.version != seen.version:
            yield f"{exchange.request} over {answer.protocol}: version {answer.version} answered, not {seen.version}"

    return faults


def _each(seen: Observation, faults: _Fault, limits: Limits) -> Iterator[str]:
    for exchange in seen.exchanges:
        dtypes = {name: spec.dtype for name, spec in seen.signatures[exchange.request.signature].outputs.items()}
        for answer in exchange.answers:
            yield from faults(exchange, answer, limits, dtypes)


def _latency(seen: Observation, limits: Limits) -> Check:
    faults = [
        f"over {protocol} {share} of the answers took more than {waited} ms, the limit is {limit:g} ms"
        for protocol in Protocol
        for share, quantile, limit in (("half", "p50_ms", limits.p50_ms), ("one in a hundred", "p99_ms", limits.p99_ms))
        if limit is not None and (waited := quantiles(seen.exchanges, protocol).get(quantile, 0.0)) > limit
    ]
    return _check("latency", "Does it answer in time?", iter(faults))


def quantiles(exchanges: Sequence[Exchange], protocol: Protocol) -> dict[str, float]:
    """Milliseconds of the answers over one protocol: the first of all, then the quantiles of the rest.

    The first answer pays for the server's first run of the graph, which a live server pays once too.
    """
    waited = [a.seconds * 1000 for e in exchanges for a in e.answers if a.protocol is protocol and not a.error]
    if not waited:
        return {}
    first, rest = waited[0], waited[1:] or waited
    p50, p90, p99 = (round(float(q), 3) for q in np.quantile(rest, [0.5, 0.9, 0.99], method="higher"))
    return {"first_ms": round(first, 3), "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": round(max(rest), 3)}


def _figures(seen: Observation, settings: RequestSettings) -> dict[str, Any]:
    protocols = {}
    for protocol in Protocol:
        answers = [a for e in seen.exchanges for a in e.answers if a.protocol is protocol]
        protocols[protocol.value] = {
            "sent": len(answers),
            "answered": sum(not a.error for a in answers),
            "latency": quantiles(seen.exchanges, protocol),
        }
    distinct = dict(Counter(e.request.signature for e in seen.exchanges))
    sent = " and ".join(f"{protocols[p.value]['sent']} over {p}" for p in Protocol)
    summary = (
        f"{sum(distinct.values())} distinct requests ({sent}) were answered as the model answers in process"
        if seen.with_examples
        else "it was loaded and became available; no examples were given to ask it about"
    )
    return {
        "summary": summary,
        "mode": "load and query" if seen.with_examples else "load only",
        "load_seconds": round(seen.load.seconds, 3),
        "requests": {"distinct": distinct, "minimum": settings.minimum, "maximum": settings.maximum},
        "protocols": protocols,
        "signatures": {name: signature.to_json() for name, signature in sorted(seen.signatures.items())},
        "untested": dict(seen.untested),
        "compatibility": None if seen.compatibility is None else seen.compatibility.to_json(),
    }


def _check(name: str, question: str, faults: Iterator[str], **figures: Any) -> Check:
    kept: list[str] = []
    count = 0
    for fault in faults:
        count += 1
        if len(kept) < KEPT:
            kept.append(fault)
    return Check(name, question, tuple(kept), count, figures)
