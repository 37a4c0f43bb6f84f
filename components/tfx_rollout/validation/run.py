"""The infra validation itself: candidate in, result out."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfx_rollout.errors import InvalidModel
from tfx_rollout.saved_model import Compatibility, Signature, compare, read_signatures
from tfx_rollout.serving import ModelServerProcess
from tfx_rollout.validation.candidate import VERSION, CandidateServer
from tfx_rollout.validation.checks import judge
from tfx_rollout.validation.examples import parse, read_records
from tfx_rollout.validation.observation import Answer, Exchange, Load, Observation
from tfx_rollout.validation.reference import Reference
from tfx_rollout.validation.requests import Request, Unfit, make_requests
from tfx_rollout.validation.result import Check, ValidationResult
from tfx_rollout.validation.settings import Limits, RequestSettings
from tfx_rollout.validation.wire_clients import GrpcWireClient, RestWireClient

logger = logging.getLogger(__name__)

RECORDS_PER_REQUEST = 20
"""How many records are read for each request that is wanted, so that repeated examples do not starve the test."""


def validate(
    candidate: Path,
    model: str,
    *,
    examples: Sequence[str | Path] | None = None,
    baseline: Path | None = None,
    settings: RequestSettings | None = None,
    limits: Limits | None = None,
    work: Path | None = None,
) -> ValidationResult:
    """Serve the candidate in a process of its own, ask it, and compare its answers with the model's in this one.

    `model` is its name as served. `examples` are TFRecord files of tf.Examples; without
    them the candidate is only loaded. `baseline` is the live version's SavedModel.
    `work` takes the servers' logs; a temporary folder otherwise.

    Every fault of the candidate is in the result. Raises `ServingFault` where no server
    could be started, `InvalidInput` for examples that cannot be read, and `InvalidModel`
    where the baseline is no model or this process cannot run the candidate.
    """
    settings, limits = settings or RequestSettings(), limits or Limits()
    try:
        signatures = read_signatures(candidate)
    except InvalidModel as fault:
        return ValidationResult((Check("load", "Is it a SavedModel for serving?", (str(fault),), 1),), {"mode": "not loaded"})
    compatibility = None if baseline is None else compare(read_signatures(baseline), signatures)
    records = None if examples is None else read_records(examples, settings.maximum * RECORDS_PER_REQUEST)
    with tempfile.TemporaryDirectory(prefix="tfx-rollout-validation-") as temporary:
        folder = work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        seen = _observe(candidate, model, signatures, compatibility, records, settings, limits, folder)
    return judge(seen, settings, limits)


def _observe(
    candidate: Path,
    model: str,
    signatures: Mapping[str, Signature],
    compatibility: Compatibility | None,
    records: Sequence[bytes] | None,
    settings: RequestSettings,
    limits: Limits,
    work: Path,
) -> Observation:
    wanted = list(signatures) if settings.signatures is None else list(settings.signatures)
    missing = tuple(name for name in wanted if name not in signatures)
    requests, untested = _requests(signatures, [n for n in wanted if n in signatures], records or [], settings)
    untested |= {name: "it was not asked for" for name in signatures if name not in wanted}
    servers = CandidateServer(candidate, model, work)
    exchanges: list[Exchange] = []
    crash = ""
    # A server that dies while it answers is given a second chance: only what repeats itself is the model's.
    for _ in range(2):
        with servers.serve(limits.load_seconds) as (server, load):
            exchanges, crash = _converse(server, load, candidate, model, signatures, requests, limits)
        if not crash:
            break
    return Observation(
        signatures=signatures,
        load=load,
        version=VERSION,
        exchanges=tuple(exchanges),
        untested=untested if records is not None else {},
        missing=missing,
        with_examples=records is not None,
        compatibility=compatibility,
        crash=crash,
    )


def _requests(
    signatures: Mapping[str, Signature], names: Sequence[str], records: Sequence[bytes], settings: RequestSettings
) -> tuple[list[Request], dict[str, str]]:
    rows = [parse(record) for record in records]
    requests: list[Request] = []
    untested: dict[str, str] = {}
    for name in names:
        try:
            requests += make_requests(signatures[name], records, rows, settings.maximum)
        except Unfit as why:
            untested[name] = str(why)
    return requests, untested


def _converse(
    server: ModelServerProcess,
    load: Load,
    candidate: Path,
    model: str,
    signatures: Mapping[str, Signature],
    requests: Sequence[Request],
    limits: Limits,
) -> tuple[list[Exchange], str]:
    """Every request over both protocols, up to the first at which the server ends, and how it ended."""
    if load.error or not requests:
        return [], ""
    reference = Reference(candidate)
    clients = [kind(server, model, VERSION, limits.request_seconds) for kind in (GrpcWireClient, RestWireClient)]
    exchanges: list[Exchange] = []
    logger.info("Validation of %s: %d requests over gRPC and REST.", model, len(requests))
    try:
        for request in requests:
            signature = signatures[request.signature]
            answers: list[Answer] = []
            for client in clients:
                answers.append(client.ask(request, signature))
                if not server.alive():
                    over = answers[-1].protocol
                    return exchanges, f"{request} over {over} ends the server with code {server.returncode}"
            # Last, since what ends the server would end this process as well.
            expected, error = reference.answer(request, signature)
            exchanges.append(Exchange(request, expected, error, tuple(answers)))
    finally:
        for client in clients:
            client.close()
    return exchanges, ""
