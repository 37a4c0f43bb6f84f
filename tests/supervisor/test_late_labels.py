"""Labels through the whole of it: ids from the gateway, predictions from the servers, feedback, and a decision."""

from __future__ import annotations

import json
import threading
import time

import httpx
import pytest

from tfx_rollout.evidence.feedback import append_feedback
from tfx_rollout.rollout import Phase, load_plan, start_rollout
from tfx_rollout.rollout.journal import Journal

pytestmark = pytest.mark.integration

PLAN = """
window_seconds: 1
waiting_seconds: 2
min_windows: 3
min_requests: 20
errors: {weight: 0}
latency: {weight: 0}
predictions: {weight: 0}
accuracy: {weight: 1, ages: [4], required: true}
promotion: automatic
stages:
  - {kind: shadow, min_seconds: 30, max_seconds: 90, on_inconclusive: rollback}
  - {share: 0.50, min_seconds: 2, max_seconds: 60, on_inconclusive: rollback}
"""


class LabelledLoad:
    """Requests for x = 2, whose true label of 3 is told a second later, by the id in the answer."""

    def __init__(self, serving):
        self.serving, self.end = serving, threading.Event()
        self.values = set()
        self.waiting = []
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.thread.join()

    def _run(self):
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not self.end.wait(0.01):
                answer = http.post(f"http://{self.serving.address}/v1/models/m:predict", json={"instances": [2.0]})
                self.values.add(answer.json()["predictions"][0])
                self.waiting.append((time.monotonic() + 1, {"request_id": answer.headers["x-request-id"], "label": 3}))
                due = [row for at, row in self.waiting if at <= time.monotonic()]
                if len(due) >= 20:
                    append_feedback(self.serving.model(), due)
                    self.waiting = self.waiting[len(due) :]


def test_a_version_that_is_wrong_is_found_in_copies_before_any_client_saw_it(serving, tmp_path, wait_until):
    plan = tmp_path / "labels.yaml"
    plan.write_text(PLAN)
    (serving.root / "evidence.yaml").write_text("predictions: {m: {}}\n")
    serving.go_live(1)
    base = serving.model()
    with LabelledLoad(serving) as load:
        journal = Journal(base, start_rollout(base, 2, load_plan(plan), by="test", why="a test"))
        wait_until(lambda: journal.state().finished, 150, "the rollout's end")
    state = journal.state()
    said = json.dumps([window.to_json() for window in journal.windows()][-3:]) + serving.log_file.read_text()[-3000:]
    assert state.phase is Phase.ROLLED_BACK, said
    assert state.stage == 0, said
    assert "accuracy" in state.reason, state.reason
    assert load.values == {3.0}
    windows = journal.windows()
    pairs = [window.pairs for window in windows]
    # How many it took depends on how they came, window by window.
    assert state.verdict.e_value >= state.verdict.threshold
    assert sum(pair.worse for pair in pairs) > 0
    assert sum(pair.better + pair.same for pair in pairs) == 0
    assert all(pair.disagreed == pair.pairs for pair in pairs)
    # Every label that fell due counted: of both versions' answers each label tells of stable's, too.
    assert sum(counts.stable for window in windows for counts in window.labels) >= sum(pair.worse for pair in pairs)
    assert not any(counts.stable_wrong for window in windows for counts in window.labels)
