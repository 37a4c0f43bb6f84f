"""The loop behind a view, with a console that is recorded."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.text import Text

from tfx_rollout.cli.live import screen
from tfx_rollout.cli.live.screen import show_live
from tfx_rollout.errors import ApiRefused, ApiUnreachable

AWAY = ApiUnreachable("http://h:1", "is away", "wait")


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(screen, "LEAST_S", 0.01)
    monkeypatch.setattr(screen, "MOST_S", 0.05)


@pytest.fixture
def show(rollout_course):
    """`show(steps, happened)`: reads a snapshot, or raises, in turn; gives what was drawn and the last snapshot."""

    def show(steps, happened):
        file, left = io.StringIO(), list(steps)

        def read():
            step = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(step, Exception):
                raise step
            return rollout_course[step]

        def view(snapshot, width):
            return Text(f"<{snapshot.rollout.windows} windows> {snapshot.notice}")

        console = Console(file=file, force_terminal=True, width=80, height=20)
        last = show_live(console, read, view, lambda snapshot: snapshot.rollout.finished, happened)
        return file.getvalue(), last

    return show


def forever() -> Iterator[None]:
    never = threading.Event()
    while True:
        never.wait(0.005)
        yield None


def test_it_draws_until_it_has_ended_and_leaves_the_screen(show, rollout_course):
    drawn, last = show([0, 5, len(rollout_course) - 1], forever())
    for snapshot in (rollout_course[0], rollout_course[5]):
        assert f"<{snapshot.rollout.windows} windows>" in drawn
    assert last.rollout.finished
    assert drawn.index("\x1b[?1049h") < drawn.index("\x1b[?1049l")
    assert drawn.endswith("\x1b[?25h") or "\x1b[?25h" in drawn[drawn.index("\x1b[?1049l") - 20 :]


def test_it_reads_again_though_nothing_happened(show, rollout_course):
    silent = threading.Event()

    def nothing() -> Iterator[None]:
        silent.wait(30)
        yield from ()

    _, last = show([0, 1, len(rollout_course) - 1], nothing())
    silent.set()
    assert last.rollout.finished


def test_figures_that_do_not_come_are_told_and_asked_for_again(show, rollout_course):
    drawn, last = show([0, AWAY, AWAY, len(rollout_course) - 1], forever())
    assert "The API at http://h:1 is away; wait." in drawn
    assert (last.rollout.finished, last.notice) == (True, "")


def test_what_the_stream_raises_ends_the_view(show):
    def refused() -> Iterator[None]:
        yield None
        raise ApiRefused("http://h:1", 401, "The token was revoked.")

    with pytest.raises(ApiRefused, match="The token was revoked"):
        show([0], refused())


def test_a_stream_that_is_over_ends_the_view_though_the_last_figures_do_not_say_so(show):
    _, last = show([0, 1], iter(()))
    assert not last.rollout.finished
