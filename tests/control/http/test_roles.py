"""Every route for everybody: who may ask is answered, who may not is told the role that it takes, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tfx_rollout.audit import AuditLog
from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role, TokenWanted
from tfx_rollout.control.http.openapi import openapi_document
from tfx_rollout.control.http.settings import ApiOptions, Limits

UNHURRIED = Limits(requests_per_second=10_000, burst=100_000, failed_per_minute=100_000, watch_seconds=0.0)
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
HARMLESS = {"POST /v1/plans/check", "POST /v1/experiments/check"}
"""They keep nothing, whoever asks."""
OPERATIONS = [
    (f"{method.upper()} {path}", Role(operation["security"][0]["token"][0]) if "security" in operation else None)
    for path, operations in openapi_document()["paths"].items()
    for method, operation in operations.items()
]
KNOWN = {"model": "taxi", "version": "2", "alias": "blue", "rollout": "r-1", "experiment": "e-1", "name": "nobody-has-it"}
CALLERS = ("nobody", "read", "operate", "admin", "expired", "revoked", "wrong")


@pytest.fixture(scope="module")
def asked(
    tmp_path_factory: pytest.TempPathFactory, make_root: Any, make_api: Any
) -> Iterator[Callable[[str, str], tuple[httpx.Response, int]]]:
    """`asked(caller, "GET /v1/models")`: the answer, and how many entries the record of changes got by it."""
    base = make_root(tmp_path_factory.mktemp("roles"))
    now = [1000.0]
    tokens = TokenFile(base.store.access_dir)
    secrets = {str(role): tokens.create(TokenWanted(name=f"{role}-er", role=role), by="root").secret for role in Role}
    past = TokenFile(base.store.access_dir, now=lambda: now[0])
    secrets["expired"] = past.create(TokenWanted(name="late", role=Role.ADMIN, days=1), by="root").secret
    secrets["revoked"] = tokens.create(TokenWanted(name="gone", role=Role.ADMIN), by="root").secret
    tokens.revoke("gone")
    secrets["wrong"] = "tfxr_" + "x" * 43
    audit = AuditLog(base.store.access_dir)
    api = make_api(ApiOptions(root=base.store.root, limits=UNHURRIED))

    def asked(caller: str, label: str) -> tuple[httpx.Response, int]:
        before = audit.read().total
        method, path = label.format(**KNOWN).split(" ")
        if path.endswith("/events"):
            api.token = secrets.get(caller)
            answer = api.stream(path).response
            api.token = None
        else:
            body = {"content": "{}", "headers": {"Content-Type": "application/json"}} if method in CHANGES[:3] else {}
            answer = api.ask(method, path, token=secrets.get(caller), **body)
        return answer, audit.read().total - before

    yield asked
    api.close()


def is_let_in(caller: str, needed: Role | None) -> bool:
    return needed is None or (caller in ("read", "operate", "admin") and Role(caller).includes(needed))


@pytest.mark.parametrize(("label", "needed"), OPERATIONS, ids=[label for label, _ in OPERATIONS])
def test_who_may_ask_is_answered_and_who_may_not_is_refused_and_recorded(asked, label: str, needed: Role | None):
    for caller in CALLERS:
        answer, entries = asked(caller, label)
        if is_let_in(caller, needed):
            assert answer.status_code not in (401, 403), (caller, answer.text)
            continue
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == answer.status_code
        if caller in ("read", "operate"):
            assert answer.status_code == 403
            assert f"needs the role {needed}, and {caller}-er has the role {caller}" in problem["detail"]
        else:
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert ("invalid_token" in answer.headers["www-authenticate"]) == (caller != "nobody")
        assert entries == (1 if label.split(" ")[0] in CHANGES else 0), caller


def test_the_secret_is_told_to_nobody_but_its_owner(asked, caplog):
    answer, _ = asked("wrong", "GET /v1/models")
    assert "tfxr_" not in answer.text
    assert "tfxr_" not in caplog.text
    trail, _ = asked("admin", "GET /v1/audit")
    assert "tfxr_" not in trail.text
    listed, _ = asked("admin", "GET /v1/tokens")
    assert "secret" not in listed.text
    assert "sha256" not in listed.text
