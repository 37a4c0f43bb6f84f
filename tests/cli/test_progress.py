"""What long things show on a terminal's stderr, and nowhere else."""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stderr

import pytest

from tfx_rollout.cli import progress as module
from tfx_rollout.cli.progress import counted, progress, waiting


class ATerminal(io.StringIO):
    """Keeps what is written, and knows when this was."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text, self.shown = text, threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._text in text:
            self.shown.set()
        return super().write(text)


@pytest.fixture(autouse=True)
def a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")


def test_what_takes_long_shows_on_a_terminal_how_far_it_is(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    file = ATerminal("Rows read")
    with redirect_stderr(file), progress("Rows read", 3000) as tell:
        for _ in counted(range(3000), tell):
            continue
        assert file.shown.wait(30)
    assert "3000/3000" in file.getvalue()


def test_waiting_is_shown_on_a_terminal(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    file = ATerminal("Counting …")
    with redirect_stderr(file), waiting("Counting …"):
        assert file.shown.wait(30)


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    file = io.StringIO()
    with redirect_stderr(file), waiting("Counting …"), progress("Rows read", 10) as tell:
        tell(10)
    assert file.getvalue() == ""


def test_what_is_done_at_once_shows_nothing():
    file = ATerminal("")
    with redirect_stderr(file), waiting("Counting …"), progress("Rows read", 10) as tell:
        tell(10)
    assert "Counting" not in file.getvalue()
    assert "Rows" not in file.getvalue()


def test_rows_go_by_unchanged_and_are_counted_from_time_to_time():
    told: list[float] = []
    assert list(counted("abcdefg", told.append, every=3)) == list("abcdefg")
    assert told == [3, 6]
