"""The schema that is published: complete, and changed only on purpose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tfx_rollout.control.documents import Role
from tfx_rollout.control.http.openapi import VERSION, openapi_document

PUBLISHED = Path(__file__).parents[3] / "docs" / "openapi.json"
AGREED = """
GET /healthz none
GET /readyz none
GET /metrics read
GET /v1/me read
GET /v1/models read
GET /v1/events read
GET /v1/models/{model} read
GET /v1/models/{model}/events read
GET /v1/models/{model}/versions read
GET /v1/models/{model}/versions/{version} read
DELETE /v1/models/{model}/versions/{version} admin
POST /v1/models/{model}/versions/{version}/load operate
POST /v1/models/{model}/versions/{version}/unload operate
POST /v1/models/{model}/versions/{version}/pin operate
POST /v1/models/{model}/versions/{version}/unpin operate
PUT /v1/models/{model}/aliases/{alias} operate
DELETE /v1/models/{model}/aliases/{alias} operate
GET /v1/models/{model}/configuration read
PATCH /v1/models/{model}/configuration operate
POST /v1/models/{model}/rollback operate
GET /v1/models/{model}/history read
GET /v1/plans read
GET /v1/plans/{name} read
POST /v1/plans/check read
GET /v1/models/{model}/rollouts read
POST /v1/models/{model}/rollouts operate
GET /v1/models/{model}/rollouts/{rollout} read
GET /v1/models/{model}/rollouts/{rollout}/report read
GET /v1/models/{model}/rollouts/{rollout}/events read
POST /v1/models/{model}/rollouts/{rollout}/orders operate
POST /v1/experiments/check read
GET /v1/models/{model}/experiments read
POST /v1/models/{model}/experiments operate
GET /v1/models/{model}/experiments/{experiment} read
GET /v1/models/{model}/experiments/{experiment}/events read
GET /v1/models/{model}/experiments/{experiment}/report read
POST /v1/models/{model}/experiments/{experiment}/orders operate
GET /v1/models/{model}/traffic read
POST /v1/models/{model}/feedback operate
GET /v1/tokens admin
POST /v1/tokens admin
DELETE /v1/tokens/{name} admin
GET /v1/audit admin
"""
DOCUMENT = openapi_document()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}


def test_the_document_is_the_published_one():
    """Where it changed on purpose: `tfx-rollout api-schema > docs/openapi.json`, and raise its version."""
    assert json.loads(PUBLISHED.read_text()) == DOCUMENT


def test_every_address_has_the_role_that_was_agreed():
    told = {
        f"{label} {operation['security'][0]['token'][0] if 'security' in operation else 'none'}"
        for label, operation in OPERATIONS.items()
    }
    assert told == set(AGREED.strip().splitlines())


def test_the_version_is_in_every_address_of_data():
    assert re.fullmatch(r"1\.\d+\.\d+", DOCUMENT["info"]["version"])
    assert DOCUMENT["info"]["version"] == VERSION
    apart = {path for path in DOCUMENT["paths"] if not path.startswith(f"/v{VERSION.split('.')[0]}/")}
    assert apart == {"/healthz", "/readyz", "/metrics"}


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_an_operation_is_described_whole(label: str):
    operation = OPERATIONS[label]
    assert re.fullmatch(r"[a-z_]+", operation["operationId"])
    assert operation["summary"]
    assert operation["description"].endswith(".")
    assert len(operation["tags"]) == 1
    needed = {"401", "403"} if "security" in operation else set()
    needed |= {"404"} if "{" in label else set()
    needed |= {"413", "415", "422", "400"} if "requestBody" in operation else set()
    assert needed | {"421", "429", "500"} <= set(operation["responses"])
    for status, response in operation["responses"].items():
        if int(status) >= 400 and (label, status) != ("GET /readyz", "503"):
            assert response["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for parameter in operation.get("parameters", ()):
        assert parameter["description"]
        if parameter["in"] == "path" and parameter["schema"]["type"] == "string":
            assert parameter["schema"]["pattern"].startswith("^")


def test_operation_ids_are_unique_and_every_reference_leads_somewhere():
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(DOCUMENT)))
    assert referred <= set(DOCUMENT["components"]["schemas"])
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_roles_are_those_that_tokens_have():
    roles = {role for operation in OPERATIONS.values() for scheme in operation.get("security", ()) for role in scheme["token"]}
    assert roles == {role.value for role in Role}
