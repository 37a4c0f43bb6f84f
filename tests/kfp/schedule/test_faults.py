"""What is refused or breaks, each with one sentence, and nothing half applied that the next apply does not finish."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tfx_rollout.errors import Conflict, HalfApplied, InvalidInput, InvalidPlan, KubeflowFault, KubeflowRefused
from tfx_rollout.kfp.schedule import apply, connect, plan

pytestmark = pytest.mark.integration


def test_an_address_where_nothing_listens(home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            KubeflowFault, match=rf"^Kubeflow Pipelines at {host} did not answer \(.*refused.*\); see that it runs"
        ):
            connect(host)


def test_what_is_no_address(home):
    with pytest.raises(
        InvalidInput, match="'localhost:8888' is no address of Kubeflow Pipelines; give one such as http://localhost:8888"
    ):
        connect("localhost:8888")


@pytest.fixture
def other_server():
    """A server that is no Kubeflow Pipelines: a page, a redirect, or JSON of another kind."""
    answers = {
        "page": (200, "text/html", b"<html>"),
        "list": (200, "application/json", b"[]"),
        "none": (404, "text/plain", b"no"),
    }

    class Handler(BaseHTTPRequestHandler):
        kind = "page"

        def do_GET(self) -> None:
            if Handler.kind == "redirect":
                self.send_response(302)
                self.send_header("Location", "https://login.example/dex")
                self.end_headers()
                return
            status, type, content = answers[Handler.kind]
            self.send_response(status)
            self.send_header("Content-Type", type)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Handler, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("page", r"is no Kubeflow Pipelines \(its /apis/v2beta1/healthz answered 200, text/html\); see to the address"),
        ("list", r"is no Kubeflow Pipelines \(.* answered 200, application/json\); see to the address"),
        ("none", r"is no Kubeflow Pipelines \(.* answered 404, text/plain\); see to the address"),
        ("redirect", r"sent us to https://login.example/dex, a login page perhaps; give a token"),
    ],
)
def test_a_server_that_is_no_kubeflow_pipelines(home, other_server, kind, said):
    handler, url = other_server
    handler.kind = kind
    with pytest.raises(KubeflowFault, match=said):
        connect(url)


@pytest.mark.parametrize("given", [None, "an-old-token"])
def test_a_token_that_is_not_taken_is_said_at_once(kubeflow, given):
    kubeflow.token = "another"
    with pytest.raises(
        KubeflowRefused, match=r"did not take the token \(401: .*no valid identity header\); give one that is still"
    ):
        connect(kubeflow.url, token=given)


def test_a_token_that_is_taken(kubeflow, declare):
    kubeflow.token = "secret"
    assert [applied.kind for applied in apply(connect(kubeflow.url, token="secret"), declare())] == ["create"]


def test_a_token_that_does_not_suffice_changes_nothing(kubeflow, server, declare):
    kubeflow.fail("list_recurring_runs", status=403)
    with pytest.raises(KubeflowRefused, match=r"does not allow this \(403: the double answers 403\); ask for the right"):
        apply(server, declare())
    assert kubeflow.changes() == []


def test_several_users_need_a_namespace(kubeflow, declare):
    kubeflow.multi_user = True
    with pytest.raises(InvalidInput, match=r"has several users, and no namespace was given; give --namespace\."):
        connect(kubeflow.url)
    apply(connect(kubeflow.url, namespace="ann"), declare())
    assert kubeflow.the_one("nightly").namespace == "ann"


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        ({"name": "taxis"}, "nightly: there is no pipeline taxis in http.*; known: taxi; upload it, or correct the name"),
        ({"id": "x"}, "nightly: there is no pipeline with the id x in http.*; known: none; upload it"),
        ({"name": "taxi", "version": "v9"}, "nightly: there is no version v9 in pipeline taxi at http.*; known: v1, v2; upload"),
        (
            {"name": "taxi", "version_id": "v9"},
            "nightly: there is no version v9 in pipeline taxi at http.*; known: v1, v2; upload",
        ),
    ],
)
def test_a_pipeline_or_version_that_is_not_there(kubeflow, server, declare, pipeline, said):
    with pytest.raises(InvalidPlan, match=said):
        apply(server, declare(pipeline=pipeline))
    assert kubeflow.changes() == []


def test_faults_of_all_schedules_are_said_before_any_is_applied(kubeflow, server, declare):
    schedules = declare("good") + declare("bad", pipeline={"name": "no"}) + declare("wrong", parameters={"m": 1, "n": "x"})
    with pytest.raises(InvalidPlan) as fault:
        apply(server, schedules)
    assert [said.split(":")[0] for said in fault.value.faults] == ["bad", "wrong", "wrong"]
    assert kubeflow.changes() == []


def test_a_pipeline_that_is_answered_from_the_cache_is_refused(kubeflow, server, declare):
    tasks = {"train": {"cachingOptions": {"enableCache": True}}, "push": {"cachingOptions": {}}}
    kubeflow.add_pipeline("cached", "v1", spec={"root": {"dag": {"tasks": tasks}}})
    with pytest.raises(
        InvalidPlan, match="nightly: pipeline cached answers train from the cache, which a recurring run cannot switch"
    ):
        apply(server, declare(pipeline={"name": "cached"}))
    assert kubeflow.changes() == []


def test_one_of_the_same_name_that_is_not_ours_is_left_alone_unless_it_is_adopted(kubeflow, server, declare):
    apply(server, declare())
    kubeflow.the_one("nightly").description = "made by hand"
    before = kubeflow.changes()
    with pytest.raises(
        Conflict, match=r"Of the same name there are recurring runs that tfx-rollout did not make: nightly \(.*--adopt"
    ):
        plan(server, declare())
    assert kubeflow.changes() == before
    apply(server, declare(), adopt=True)
    assert kubeflow.the_one("nightly").mode == "ENABLE"
    assert plan(server, declare())[0].steps.kind == "unchanged"


def test_a_failure_among_several_says_what_was_applied_and_the_next_apply_does_the_rest(kubeflow, server, declare):
    fault = kubeflow.fail("create_recurring_run", status=500, skip=1)
    with pytest.raises(HalfApplied) as raised:
        apply(server, declare("a", "b", "c"))
    assert (raised.value.done, raised.value.left) == (("a",), ("b", "c"))
    assert "applied a, not applied b, c" in str(raised.value)
    assert "answered 500: the double answers 500" in str(raised.value)
    fault.times = 0
    assert [applied.kind for applied in apply(server, declare("a", "b", "c"))] == ["unchanged", "create", "create"]
    assert all(kubeflow.the_one(name).mode == "ENABLE" for name in "abc")


def test_a_creation_that_was_done_but_never_answered_is_taken_up(kubeflow, server, declare):
    kubeflow.fail("create_recurring_run", drop="after", times=1)
    with pytest.raises(HalfApplied, match="did not answer"):
        apply(server, declare())
    assert kubeflow.the_one("nightly").mode == "DISABLE"
    assert [applied.kind for applied in apply(server, declare())] == ["enable"]
    assert kubeflow.the_one("nightly").mode == "ENABLE"


def test_a_server_that_keeps_something_else_is_told_and_the_new_one_is_taken_away(kubeflow, server, declare):
    apply(server, declare())
    old = kubeflow.the_one("nightly").recurring_run_id
    create = kubeflow._create_recurring_run

    def rounding(path, query, body):
        return create(path, query, {**body, "max_concurrency": "5"})

    kubeflow._create_recurring_run = rounding
    with pytest.raises(HalfApplied, match=r"keeps schedule nightly otherwise than it was asked to \(max_concurrency: 5 → 1\)"):
        apply(server, declare(cron="0 0 3 * * *"))
    run = kubeflow.the_one("nightly")
    assert (run.recurring_run_id, run.mode) == (old, "ENABLE")


def test_duplicates_are_cleaned_and_the_enabled_right_one_stays(kubeflow, server, declare):
    apply(server, declare())
    (right,) = (found.form for found in server.named("nightly"))
    for _ in range(2):
        server.enable(server.create_disabled(right).id)
    kubeflow.states.clear()
    assert [applied.kind for applied in apply(server, declare())] == ["clean"]
    assert len(kubeflow.named("nightly")) == 1
    assert kubeflow.the_one("nightly").mode == "ENABLE"


def test_recreate_makes_a_pinned_one_anew(kubeflow, server, declare):
    schedules = declare(pipeline={"name": "taxi", "version": "v1"})
    apply(server, schedules)
    old = kubeflow.the_one("nightly").recurring_run_id
    assert [applied.kind for applied in apply(server, schedules, recreate=True)] == ["replace"]
    assert kubeflow.the_one("nightly").recurring_run_id != old


def test_a_slow_server_that_never_answers_is_given_up_on(kubeflow, server, declare, monkeypatch):
    monkeypatch.setattr("tfx_rollout.kfp.schedule.server.TIMEOUT", (1.0, 0.2))
    kubeflow.fail("create_experiment", delay=1.0)
    with pytest.raises(
        HalfApplied, match=r"did not answer \(.*timed out.*applied nothing|applied nothing.*did not answer \(.*timed out"
    ):
        apply(server, declare())


def test_one_that_applies_in_the_middle_of_another_apply_wins_and_the_other_is_told(kubeflow, server, declare):
    apply(server, declare())
    kubeflow.states.clear()
    get = kubeflow._get_recurring_run

    def while_another_applies(path, query, body):
        kubeflow._get_recurring_run = get
        thread = threading.Thread(target=lambda: others.append(apply(connect(kubeflow.url), declare(cron="0 0 4 * * *"))))
        others: list = []
        kubeflow._lock.release()  # the double serves the other one in the middle of this call
        thread.start()
        thread.join()
        kubeflow._lock.acquire()
        assert others
        return get(path, query, body)

    kubeflow._get_recurring_run = while_another_applies
    with pytest.raises(
        HalfApplied, match=r"answered 404|got another recurring run nightly meanwhile \(.*\), so that none was enabled"
    ):
        apply(server, declare(cron="0 0 5 * * *"))
    assert all(sum(state["nightly"]) <= 1 and state["nightly"] for state in kubeflow.states)
    apply(server, declare(cron="0 0 5 * * *"))
    assert kubeflow.the_one("nightly").trigger.cron_schedule.cron == "0 0 5 * * *"
    assert all(sum(state["nightly"]) <= 1 and state["nightly"] for state in kubeflow.states)


def test_of_two_that_have_planned_before_either_began_only_one_enables(kubeflow, server, declare):
    apply(server, declare())
    (old,) = server.named("nightly")
    kubeflow.states.clear()
    create = kubeflow._create_recurring_run

    def then_the_other_one_does_its_steps(path, query, body):
        kubeflow._create_recurring_run = create
        made = create(path, query, body)
        other = create(path, query, body)
        kubeflow._disable_recurring_run({"recurring_run_id": old.id}, {}, None)
        kubeflow._enable_recurring_run({"recurring_run_id": other.recurring_run_id}, {}, None)
        return made

    kubeflow._create_recurring_run = then_the_other_one_does_its_steps
    said = r"got another recurring run nightly meanwhile \(.*\), so that none was enabled; let the other apply end"
    with pytest.raises(HalfApplied, match=said):
        apply(server, declare(cron="0 0 5 * * *"))
    assert all(sum(state["nightly"]) <= 1 for state in kubeflow.states)
    assert [applied.kind for applied in apply(server, declare(cron="0 0 5 * * *"))] == ["clean"]
    assert kubeflow.the_one("nightly").mode == "ENABLE"
