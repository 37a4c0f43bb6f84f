"""The audit trail: what was asked for and what came of it, in the order of its coming, bounded, and without secrets."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import pytest

from tfx_rollout.audit import AuditLog
from tfx_rollout.control.documents import TokenWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.errors import Conflict, CorruptState, StaleGeneration
from tfx_rollout.model_store import ModelStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".access"


def fill(log: AuditLog, count: int) -> None:
    for number in range(count):
        log.record("ann", "admin", f"change {number}", "taxi", 200, "done", {"number": number, "nothing": None})


def test_entries_are_told_newest_first_and_in_pages(folder):
    log = AuditLog(folder, now=lambda: 7.0)
    assert log.read().total == 0
    assert not folder.exists()
    fill(log, 25)
    trail = log.read(limit=10)
    assert (trail.total, [entry.action for entry in trail.entries]) == (25, [f"change {n}" for n in range(24, 14, -1)])
    assert [entry.facts["number"] for entry in log.read(limit=10, offset=20).entries] == [4, 3, 2, 1, 0]
    assert log.read(limit=10, offset=25).entries == []
    assert (trail.entries[0].at, trail.entries[0].facts) == (7.0, {"number": 24})


def test_the_trail_is_bounded_and_pages_go_across_its_files(folder):
    log = AuditLog(folder, file_bytes=1000, files=3)
    fill(log, 60)
    assert sorted(file.name for file in folder.glob("audit*")) == ["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]
    assert sum(file.stat().st_size for file in folder.glob("audit*")) < 3 * 1200
    trail = log.read(limit=1000)
    numbers = [entry.facts["number"] for entry in trail.entries]
    assert numbers == list(range(59, 59 - len(numbers), -1))
    assert 15 < trail.total == len(numbers) < 60
    pages = [log.read(limit=4, offset=offset).entries for offset in range(0, trail.total, 4)]
    assert [entry.facts["number"] for page in pages for entry in page] == numbers


def test_what_raises_is_recorded_with_its_status_and_raised_on(folder):
    log = AuditLog(folder)
    with log.recorded("ann", "admin", "load version 3", "taxi", {}) as say:
        say("generation 4")
    with pytest.raises(StaleGeneration), log.recorded("ben", "operate", "load version 3", "taxi", {}):
        raise StaleGeneration("taxi", 4, 5)
    with pytest.raises(ZeroDivisionError), log.recorded("eve", "operate", "load version 3", "taxi", {}):
        raise ZeroDivisionError("a secret of the program")
    told = [(entry.by, entry.status, entry.detail) for entry in log.read().entries]
    assert told[0] == ("eve", 500, "an error of this program (ZeroDivisionError)")
    assert told[1][:2] == ("ben", 409)
    assert told[1][2].startswith("The desired state of model 'taxi' is at generation 5")
    assert told[2] == ("ann", 200, "generation 4")


def test_a_trail_that_cannot_be_written_undoes_no_change_and_the_log_says_so(folder, caplog):
    folder.write_text("a file in the way")
    with caplog.at_level(logging.ERROR, "tfx_rollout.audit"), AuditLog(folder).recorded("ann", "admin", "pin", "taxi", {}):
        pass
    assert "not in the audit trail: ann asked to 'pin' (status 200)" in caplog.text


def test_a_line_torn_by_a_crash_is_passed_over_and_a_damaged_one_is_told(folder):
    log = AuditLog(folder)
    fill(log, 2)
    with (folder / "audit.jsonl").open("a") as file:
        file.write('{"at": 1, "by": "to')
    assert log.read().total == 2
    fill(log, 1)
    assert log.read().total == 3
    with (folder / "audit.jsonl").open("a") as file:
        file.write("not JSON\n")
    with pytest.raises(CorruptState):
        log.read()


def test_what_strangers_send_does_not_fill_it(folder):
    log = AuditLog(folder)
    log.record("nobody", "", "PUT /" + "x" * 100_000, "y" * 100_000, 401, "z" * 100_000)
    assert (folder / "audit.jsonl").stat().st_size < 4000
    assert log.read().entries[0].detail.endswith("z…")


def test_no_secret_is_ever_in_it(tmp_path):
    control = LocalControl(ModelStore(tmp_path), by="ann")
    made = control.create_token(TokenWanted(name="grafana", role="operate", days=3))
    with pytest.raises(Conflict):
        control.create_token(TokenWanted(name="grafana", role="admin"))
    control.revoke_token("grafana")
    everything = b"".join(file.read_bytes() for file in (tmp_path / ".access").iterdir())
    assert made.secret.encode() not in everything
    trail = control.audit().entries
    assert [(entry.action, entry.status) for entry in trail] == [
        ("revoke the token of grafana", 200),
        ("make a token for grafana", 409),
        ("make a token for grafana", 200),
    ]
    assert trail[2].facts == {"role_given": "operate", "days": 3.0}


@pytest.mark.integration
def test_entries_of_processes_at_once_are_all_there(folder, at_once):
    at_once([partial(fill, AuditLog(folder, file_bytes=4000, files=50), 30) for _ in range(5)])
    trail = AuditLog(folder, file_bytes=4000, files=50).read(limit=1000)
    assert trail.total == 150
    assert sorted(entry.facts["number"] for entry in trail.entries) == sorted(list(range(30)) * 5)


def test_what_is_no_unicode_does_not_keep_the_trail_from_being_read(folder):
    AuditLog(folder).record("ann\udcff", "admin", "pin \ud800", "ta\udcffxi", 200, "\ud800", {"why": "\udcff", "expected": 3})
    (entry,) = AuditLog(folder).read().entries
    assert (entry.by, entry.action, entry.model, entry.detail) == (r"ann\udcff", r"pin \ud800", r"ta\udcffxi", r"\ud800")
    assert entry.facts == {"why": r"\udcff", "expected": 3}
