"""Files for the scheduler here: what is read, and every fault at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidPlan, NotFound
from tfx_rollout.schedule.local import LocalSchedule, Overlap
from tfx_rollout.schedule.local_document import json_schema, load_local_schedules

GOOD = """
schedules:
  - name: taxi
    cron: "0 30 2 * * *"
    command: [python, -m, taxi.run]
    cwd: work
    env: {A: "1"}
    timeout_seconds: 60
    overlap: {root: ../models, model: taxi, on_overlap: supersede, wait_seconds: 5}
  - {name: other, interval_seconds: 3600, command: ["true"], enabled: off}
"""


@pytest.fixture
def faults_of(tmp_path):
    def faults_of(**schedule) -> tuple[str, ...]:
        usual = {"name": "a", "cron": "0 0 3 * * *", "command": ["true"], **schedule}
        (tmp_path / "s.json").write_text(json.dumps({"schedules": [{k: v for k, v in usual.items() if v is not None}]}))
        with pytest.raises(InvalidPlan) as fault:
            load_local_schedules(tmp_path / "s.json")
        return fault.value.faults

    return faults_of


def test_a_file_is_read_with_paths_relative_to_it(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "s.yaml").write_text(GOOD)
    taxi, other = load_local_schedules(tmp_path / "s.yaml")
    assert taxi.command == ("python", "-m", "taxi.run")
    assert taxi.cwd == str((tmp_path / "work").resolve())
    assert taxi.overlap == Overlap(str(tmp_path.parent.resolve() / "models"), "taxi", "supersede", 5)
    assert (other.enabled, other.trigger.interval_seconds, other.cwd) == (False, 3600, str(tmp_path.resolve()))
    assert LocalSchedule.from_json(json.loads(json.dumps(taxi.to_json()))) == taxi


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "../x"}, "schedules[0].name '../x' cannot name a folder or a unit"),
        (
            {"command": "make retrain"},
            "schedules[0].command 'make retrain' is one text; give the program and its arguments as a list",
        ),
        ({"command": ["sleep", 5]}, "schedules[0].command ['sleep', 5] names no program, or has parts that are no texts"),
        ({"command": []}, "schedules[0].command is [], but must have at least 1 entry; give ['make', 'retrain'], say"),
        ({"env": {"a-b": "1"}}, "schedules[0].env {'a-b': '1'} has 'a-b', which cannot be the name of a variable"),
        ({"env": {"A": 1}}, "schedules[0].env {'A': 1} has 1 as A, which is no text; put it in quotes"),
        ({"cwd": "nowhere"}, "schedules[0].cwd is 'nowhere', which is no folder"),
        ({"timeout_seconds": 0}, "schedules[0].timeout_seconds is 0, but must be greater than 0; give 14400, say"),
        ({"max_concurrency": 2}, "schedules[0].max_concurrency 2 is refused: a run that begins while the one before goes on"),
        ({"catch_up": True}, "schedules[0].catch_up True is refused: runs that were missed would start one after the other"),
        ({"timezone": "CET"}, "schedules[0].timezone 'CET' is refused: schedules run in UTC"),
        ({"cron": "0 3 * * *"}, "schedules[0].cron '0 3 * * *' has five fields"),
        ({"cron": None}, "schedules[0] has neither cron nor interval_seconds; give one of them"),
        ({"interval_seconds": 60}, "schedules[0] has both cron and interval_seconds; give one of them"),
        ({"cron": None, "interval_seconds": 0}, "schedules[0].interval_seconds is 0, but must be at least 1"),
        ({"start": "2027-01-01T00:00:00"}, "has no zone; add a Z for UTC if that is what it means"),
        ({"start": "2027-01-01T02:00:00+02:00"}, "is in another zone than UTC; write '2027-01-01T00:00:00Z'"),
        ({"start": "tomorrow"}, "is no date and time; write it as '2027-01-31T02:30:00Z', in UTC"),
        ({"start": "2027-01-01T00:00:00.500Z"}, "has a fraction of a second"),
        ({"start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}, "not after its start"),
        ({"start": "2027-01-02T04:00:00Z", "end": "2027-01-02T05:00:00Z"}, "before the first time that its cron names"),
        ({"overlap": {"root": "/r", "model": "m", "on_overlap": "kill"}}, "must be 'wait', 'supersede' or 'stop'"),
        ({"comand": ["true"]}, "schedules[0].comand is an unknown key; did you mean 'command'?"),
    ],
)
def test_each_fault_is_named_with_its_place_and_mend(faults_of, change, said):
    assert said in "\n".join(faults_of(**change))


def test_all_faults_are_said_at_once(tmp_path):
    schedules = [{"name": "a", "cron": "x", "command": []}, {"name": "a", "command": ["true"]}, 5]
    (tmp_path / "s.json").write_text(json.dumps({"schedules": schedules}))
    with pytest.raises(InvalidPlan) as fault:
        load_local_schedules(tmp_path / "s.json")
    assert len(fault.value.faults) == 5
    assert "schedules[1].name is 'a', as of schedules[0]; give each schedule a name of its own" in fault.value.faults


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schedules:\n- cron: * * * * * *", "the file is not valid YAML: .*needs quotes in YAML"),
        ("[1, 2", "the file is not valid YAML"),
        ("", "it is nothing, but must be a mapping with a list 'schedules'"),
        ("schedules: []", r"schedules is \[\], but must have at least 1 entry"),
        ("other: 1", "schedules is missing; add it"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InvalidPlan, match=said):
        load_local_schedules(tmp_path / "s.yaml")


def test_a_file_that_is_not_there():
    with pytest.raises(NotFound, match=r"There is no file no-such\.yaml in "):
        load_local_schedules(Path("no-such.yaml"))


def test_the_schema_names_every_field():
    schema = json_schema()
    assert set(schema["$defs"]["LocalScheduleSection"]["properties"]) >= {"name", "cron", "command", "overlap", "timeout_seconds"}
