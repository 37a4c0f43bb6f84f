"""The double refuses what a server refuses; otherwise nothing above would be shown by it."""

from __future__ import annotations

import httpx
import pytest

pytestmark = pytest.mark.integration

GOOD = {
    "display_name": "x",
    "max_concurrency": "1",
    "no_catchup": True,
    "mode": "ENABLE",
    "trigger": {"cron_schedule": {"cron": "0 30 2 * * *"}},
    "pipeline_version_reference": {"pipeline_id": "pipeline-1"},
    "runtime_config": {"pipeline_root": "gs://b", "parameters": {"n": 5}},
}


@pytest.fixture
def create(kubeflow):
    made = httpx.post(f"{kubeflow.url}/apis/v2beta1/experiments", json={"display_name": "e"}).json()

    def create(**changes):
        body = {**GOOD, "experiment_id": made["experiment_id"], **changes}
        return httpx.post(f"{kubeflow.url}/apis/v2beta1/recurringruns", json=body)

    return create


def test_a_good_body_is_kept_with_what_the_server_fills_in(create):
    run = create().json()
    assert run["recurring_run_id"]
    assert run["status"] == "ENABLED"
    assert run["created_at"].startswith("2027-01-01T")
    assert run["runtime_config"]["parameters"] == {"n": 5.0}
    assert "service_account" not in run
    pinned = {"pipeline_id": "pipeline-1", "pipeline_version_id": "pipeline-1-v1"}
    assert create(pipeline_version_reference=pinned).json()["service_account"] == "pipeline-runner"
    without_mode = create(mode="MODE_UNSPECIFIED").json()
    assert without_mode["status"] == "DISABLED"


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"displayname": "x"}, 400, "unknown field"),
        ({"display_name": ""}, 400, "name cannot be empty"),
        ({"max_concurrency": 1}, 400, "body.max_concurrency: 1 is no str"),
        ({"max_concurrency": "11"}, 400, "at least 1 and at most 10"),
        ({"trigger": {"cron_schedule": {"cron": "0 2 *"}}}, 400, "Expected 5 to 6 fields"),
        ({"trigger": {"periodic_schedule": {"interval_second": "0"}}}, 400, "invalid period schedule interval"),
        ({"trigger": {"cron_schedule": {"cron": "0 0 2 * * *", "start_time": "tomorrow"}}}, 400, "is no timestamp"),
        ({"mode": "ON"}, 400, "is none of"),
        ({"experiment_id": "none"}, 404, "Experiment none not found"),
        ({"pipeline_version_reference": {"pipeline_id": "none"}}, 404, "Pipeline none not found"),
    ],
)
def test_a_body_that_the_api_does_not_have_is_refused(create, change, status, said):
    answer = create(**change)
    assert answer.status_code == status
    assert said in answer.json()["message"]


def test_five_fields_shift_as_on_a_real_server(create):
    """The trap itself: the server takes them."""
    assert create(trigger={"cron_schedule": {"cron": "0 2 * * *"}}).status_code == 200


def test_lists_come_in_pages(kubeflow, create):
    for number in range(5):
        create(display_name=f"x{number}")
    names, token = [], ""
    while True:
        page = httpx.get(f"{kubeflow.url}/apis/v2beta1/recurringruns", params={"page_size": 100, "page_token": token}).json()
        names += [run["display_name"] for run in page["recurringRuns"]]
        token = page.get("next_page_token", "")
        if not token:
            break
    assert names == [f"x{number}" for number in range(5)]
    assert kubeflow.calls.count("list_recurring_runs") == 3


def test_routes_and_query_parameters_are_those_of_the_published_api(kubeflow):
    assert httpx.get(f"{kubeflow.url}/apis/v1beta1/jobs").status_code == 404
    assert httpx.get(f"{kubeflow.url}/apis/v2beta1/recurringruns", params={"limit": 5}).status_code == 400
    assert httpx.delete(f"{kubeflow.url}/apis/v2beta1/recurringruns/none").status_code == 404
