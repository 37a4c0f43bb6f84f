"""A read that is answered again is what it would be if it were answered anew, whatever happened since."""

from __future__ import annotations

import time

import pytest

from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import OrderWanted, Role, RolloutWanted
from tfx_rollout.control.http.keeping.signs import Signs
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import BasePath
from tfx_rollout.rollout import await_rollout
from tfx_rollout.traffic import ObservedState

ONE = "/v1/models/taxi"
READS = ("/v1/models", ONE, f"{ONE}/versions", f"{ONE}/configuration", f"{ONE}/history", f"{ONE}/rollouts", f"{ONE}/experiments")


@pytest.fixture
def control(base: BasePath) -> LocalControl:
    return LocalControl(base.store, by="ann")


def settle(base: BasePath) -> None:
    """Until answers may be kept."""
    signs = Signs(base.store)
    while not signs.of(base.name).settled:
        time.sleep(0.005)


def test_every_read_tells_every_change_at_once(api, api_of, base, control, plan, supervised):
    def compare(*more: str) -> None:
        anew = api_of()
        for path in (*READS, *more):
            # Twice: what is kept by the first is given by the second.
            told = [api.get(path), api.get(path)]
            fresh = anew.get(path)
            assert [one.text for one in told] == [fresh.text] * 2, path
            assert [one.headers.get("etag") for one in told] == [fresh.headers.get("etag")] * 2

    changes = [
        lambda: control.pin("taxi", 2, why="for later"),
        lambda: control.set_alias("taxi", "next", 2, why="a name"),
        lambda: control.retire("taxi", 3, why="of no use"),
        lambda: base.write_observed(ObservedState("taxi", generation=1)),
    ]
    compare()
    for change in changes:
        settle(base)
        compare()
        change()
        compare()
    rollout = control.start_rollout("taxi", RolloutWanted(version=2, plan=plan)).id
    compare(f"{ONE}/rollouts/{rollout}")
    settle(base)
    compare(f"{ONE}/rollouts/{rollout}")
    control.order("taxi", rollout, OrderWanted(kind="abort", why="enough"))
    compare(f"{ONE}/rollouts/{rollout}")
    settle(base)
    with supervised(base):
        await_rollout(base, rollout, until=lambda state: state.finished, timeout=60, poll=0.01)
    compare(f"{ONE}/rollouts/{rollout}")


def test_what_nothing_happened_to_is_not_read_again(api, base, monkeypatch):
    settle(base)
    before = api.get(ONE)

    def read(*_: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(LocalControl, "model", read)
    again = api.get(ONE)
    assert (again.json(), again.headers) == (before.json(), before.headers)
    control = LocalControl(base.store, by="ann")
    control.pin("taxi", 1, why="for good")
    assert api.get(ONE).status_code == 500


def test_what_is_kept_is_given_to_those_alone_who_may_have_it(api_of, base, token_of):
    settle(base)
    token = token_of(Role.READ, "ann")
    api = api_of(token)
    assert api.get(ONE).status_code == 200
    assert api.get(ONE, token="none of ours").status_code == 401
    TokenFile(base.store.access_dir).revoke("ann")
    assert api.get(ONE).status_code == 401


@pytest.mark.parametrize(("wrong", "status"), [({"params": {"x": 1}}, 422), ({"content": b"{}"}, 400)])
def test_a_wrong_request_is_refused_though_its_answer_is_kept(api, base, wrong, status: int):
    settle(base)
    assert api.get(ONE).status_code == 200
    assert [api.get(ONE, **wrong).status_code for _ in range(2)] == [status] * 2
    assert api.get(ONE).status_code == 200


def test_what_was_not_there_is_told_when_it_is(api, base, make_root, scratch):
    assert [api.get("/v1/models/bikes/versions").status_code for _ in range(2)] == [404, 404]
    make_root(scratch / "bikes", base.store.root, "bikes")
    assert len(api.get("/v1/models/bikes/versions").json()["versions"]) == 3


@pytest.mark.parametrize("kind", ["rollouts", "experiments"])
@pytest.mark.parametrize("id", ["%00", "a%00b", "%2E%2E", "..%5C", "%ff", "x" * 5000, "20260101T000000-v1"])
def test_what_is_no_id_is_told_so_and_looked_for_nowhere(api, kind: str, id: str):
    assert api.get(f"{ONE}/{kind}/{id}").status_code in (404, 422)


@pytest.mark.parametrize("path", ["", "/versions", "/configuration", "/history", "/rollouts", "/experiments", "/traffic"])
@pytest.mark.parametrize("model", ["%00", "a%00b", "%2E%2E", "%ff", "x" * 5000])
def test_what_is_no_name_of_a_model_is_told_so(api, model: str, path: str):
    assert api.get(f"/v1/models/{model}{path}").status_code in (404, 422)
