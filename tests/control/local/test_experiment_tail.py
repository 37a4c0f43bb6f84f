"""What is told of an A/B test that is followed: its events each once, how it stands, and at last the report."""

from __future__ import annotations

import json

import pytest

from tfx_rollout.control.documents import ExperimentOrderWanted, ExperimentWanted
from tfx_rollout.errors import NotFound
from tfx_rollout.experiment.journal import ExperimentJournal

PLAN = {
    "header": "x-user-id",
    "variants": [{"version": 2, "share": 0.5}],
    "metric": {"name": "conversion", "kind": "event", "within_seconds": 60},
    "max_days": 1,
}


@pytest.fixture
def started(control) -> str:
    return control.start_experiment("taxi", ExperimentWanted(plan=PLAN, why="to see")).id


def test_what_is_followed_is_the_journal_and_at_last_the_report(control, base, started, carry_out_experiments):
    tail = control.tail_experiment("taxi", started)
    (waiting,) = tail.read()
    assert waiting == {"type": "state", **control.experiment("taxi", started).model_dump(mode="json")}
    assert tail.read() == []
    control.order_experiment("taxi", started, ExperimentOrderWanted(kind="stop", why="enough"))
    (ordered,) = tail.read()
    assert (ordered["type"], ordered["possible_orders"], ordered["phase"]) == ("state", [], "submitted")
    carry_out_experiments(base)
    told = tail.read()
    assert [line["type"] for line in told] == ["event", "state", "report"]
    assert tail.ended
    assert (told[0]["number"], told[0]["by"], told[1]["outcome"]) == (1, "ann", "stopped")
    assert told[2] == {"type": "report", **control.experiment_report("taxi", started)}
    assert tail.read() == []
    # Whoever comes after its end is told the same.
    assert list(control.follow_experiment("taxi", started)) == told
    json.dumps(told, allow_nan=False)


def test_an_event_of_a_state_that_was_never_written_is_told_as_the_next_controller_writes_it(control, base, started):
    journal = ExperimentJournal(base, started)
    tail = control.tail_experiment("taxi", started)
    tail.read()
    event = {"number": 1, "at": 1.0, "event": "begin", "from": "submitted", "to": "loading", "window": 0, "reason": "lost"}
    journal.append_event(event)
    assert tail.read() == []
    journal.append_event({**event, "reason": "written anew"})
    journal.write_state(journal.state().change(events=1, reason="written anew"))
    assert [(line["type"], line["reason"]) for line in tail.read()] == [("event", "written anew"), ("state", "written anew")]


def test_one_that_is_not_there_cannot_be_followed(control):
    with pytest.raises(NotFound, match="There is no A/B test nope"):
        control.follow_experiment("taxi", "nope")
