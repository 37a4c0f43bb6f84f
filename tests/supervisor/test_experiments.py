"""An A/B test with real servers, the real gateway and feedback by the ids that its answers tell."""

from __future__ import annotations

import http.client
import itertools
import json
import random
import threading
from collections import defaultdict

import pytest

from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.experiment import (
    ExperimentPhase,
    build_experiment_report,
    experiment_from_dict,
    read_experiment,
    start_experiment,
)
from tfx_rollout.traffic import Label

pytestmark = pytest.mark.integration

PLAN = {
    "name": "three versions",
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.3}, {"version": 3, "share": 0.3}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 2},
    "window_seconds": 1,
    "waiting_seconds": 1,
    "min_units": 30,
    "on_decision": "promote",
}
BUYS = {"1": 0.1, "2": 0.1, "3": 0.7}
"""How likely a request is followed by a purchase, by the version that answered it."""


class Users:
    """People who ask again and again, each with an id of his own, and buy or not; in `with` they do."""

    def __init__(self, address: str, base) -> None:
        self._address, self._base = address, base
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(2)]
        self.failures: list[str] = []
        self.versions: dict[str, list[str]] = defaultdict(list)
        """The versions that answered each user, in turn."""

    def __enter__(self) -> Users:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        chance, body = random.Random(number), json.dumps({"instances": [2.0]})
        connection = http.client.HTTPConnection(self._address, timeout=20)
        users = 0
        while not self._stop.wait(0.01):
            rows = []
            for _ in range(10):
                again = users and chance.random() < 0.3
                users += not again
                user = f"user-{number}-{chance.randrange(users) if again else users}"
                connection.request("POST", "/v1/models/m:predict", body, {"x-user-id": user})
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {said.decode()}")
                    continue
                version = answer.headers["x-model-version"]
                self.versions[user].append(version)
                if chance.random() < BUYS[version]:
                    rows.append({"request_id": answer.headers["x-request-id"], "metric": "conversion", "value": True})
            append_feedback(self._base, rows)
        connection.close()


def test_of_three_versions_the_one_that_users_like_best_becomes_live_and_no_request_fails(serving, wait_until, saved_models):
    base = serving.model()
    base.publish(saved_models / "picky")
    serving.go_live(1)
    with Users(serving.address, base) as users:
        test = start_experiment(base, experiment_from_dict(PLAN), by="ann", why="which is best?")
        wait_until(lambda: read_experiment(base, test).state.finished, 90, "the end of the test", serving.logs)
    record = read_experiment(base, test)
    report = build_experiment_report(record)
    assert (report["outcome"], report["winner"], report["promoted"]) == ("winner", "variant-c", 3), report["reason"]
    assert record.state.phase is ExperimentPhase.ENDED
    assert base.desired().labels == {Label.STABLE: 3, Label.PREVIOUS: 1}
    assert users.failures == []
    # Whoever came back while the split was in force met the version that he had met before.
    began, decided = report["began_at"], report["decided_at"]
    assert began < decided
    changed = [path for path in users.versions.values() if _changes(path) - {("1", "2"), ("1", "3"), ("2", "3")}]
    assert changed == []
    stable, _, winner = report["arms"]
    assert winner["value"] > stable["value"]
    assert sum(arm["users"] for arm in report["arms"]) <= len(users.versions)
    assert report["unassigned"] == 0
    assert not any(guard["raised"] for guard in report["guards"])


def _changes(path: list[str]) -> set[tuple[str, str]]:
    """The changes of version in a user's answers: to his arm when the test begins, and to the winner when it ends."""
    return {(one, other) for one, other in itertools.pairwise(path) if one != other}
