"""Operators at once, on a connection each, over real HTTP: exactly one wins, the others are told what is there now."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import httpx
import pytest

from tfx_rollout.control.http.settings import Limits

OPERATORS = 4
UNHURRIED = Limits(requests_per_second=10_000, burst=100_000)


@pytest.fixture
def all_ask(base, serve_api) -> Callable[..., list[tuple[int, Any]]]:
    """`all_ask("POST", path, bodies)`: what each was answered, the winner first."""
    address = serve_api(base.store.root, limits=UNHURRIED)

    def ask(method: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> tuple[int, Any]:
        answer = httpx.request(method, address + path, json=body, headers=headers, timeout=30)
        return answer.status_code, answer.json()

    def all_ask(method: str, path: str, bodies: list[dict[str, Any]], **headers: str) -> list[tuple[int, Any]]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        together = Barrier(len(bodies))

        def ask_together(body: dict[str, Any]) -> tuple[int, Any]:
            together.wait(30)
            return ask(method, path, body, given)

        # Threads, since a process with a server in it must not be forked: a lock that it holds would never be given back.
        with ThreadPoolExecutor(len(bodies)) as operators:
            return sorted(operators.map(ask_together, bodies), key=lambda answer: answer[0])

    return all_ask


def test_of_changes_from_one_generation_one_is_made(base, all_ask):
    bodies = [{"versions": [2 + number % 2], "why": f"operator {number}"} for number in range(OPERATORS)]
    (status, won), *lost = all_ask("PATCH", "/v1/models/taxi/configuration", bodies, if_match='"1"')
    assert status == 200
    desired = base.desired()
    assert desired.generation == 2
    assert won["configuration"]["desired"] == desired.to_json()
    for status, problem in lost:
        assert (status, problem["type"]) == (409, "/problems/stale-generation")
        assert problem["current"]["generation"] == 2
        assert problem["current"]["desired"] == desired.to_json()


def test_of_rollouts_at_once_one_begins(base, all_ask, plan):
    (status, won), *lost = all_ask("POST", "/v1/models/taxi/rollouts", [{"version": 2, "plan": plan}] * OPERATORS)
    assert status == 201
    for status, problem in lost:
        assert (status, problem["type"]) == (409, "/problems/rollout-in-progress")
        assert problem["current"]["rollout"]["id"] == won["id"]


def test_of_orders_at_once_one_counts(base, all_ask, plan):
    ((_, rollout),) = all_ask("POST", "/v1/models/taxi/rollouts", [{"version": 2, "plan": plan}])
    path = f"/v1/models/taxi/rollouts/{rollout['id']}/orders"
    bodies = [{"kind": "abort", "why": f"operator {number}"} for number in range(OPERATORS)]
    (status, won), *lost = all_ask("POST", path, bodies, if_match=f'"{rollout["revision"]}"')
    assert status == 202
    for status, problem in lost:
        assert status == 409
        assert [order["why"] for order in problem["current"]["orders"]] == [won["why"]]


def test_of_tokens_of_one_name_one_is_made(all_ask):
    (status, won), *lost = all_ask("POST", "/v1/tokens", [{"name": "ann", "role": "admin"}] * OPERATORS)
    assert (status, won["name"]) == (201, "ann")
    # From then on it takes a token, also to be told that the name is taken.
    assert {status for status, _ in lost} <= {401, 409}
