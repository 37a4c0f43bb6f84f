"""What the view of a rollout shows, at every width and height, of every moment of a real course."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from tfx_rollout.cli.live.rollout_view import rollout_view
from tfx_rollout.rollout.report import wording


def drawn(snapshot, width: int, height: int | None = None, *, colours: bool = False) -> list[str]:
    console = Console(width=width, height=height, force_terminal=colours, no_color=not colours, color_system="truecolor")
    lines = console.render_lines(rollout_view(snapshot, width), console.options.update(height=height), pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


def text(snapshot, width: int = 140, height: int | None = None) -> str:
    return "\n".join(drawn(snapshot, width, height))


@pytest.fixture
def running(rollout_course):
    return next(s for s in rollout_course if s.rollout.stage == 1 and s.rollout.windows >= 4)


def test_the_header_says_what_is_rolled_out_by_whom_and_how_it_stands(running):
    first, second, *_ = drawn(running, 140)
    assert first == f"taxi version 2 after version 1 · rollout {running.rollout.id}"
    assert second.startswith("running for ")
    assert second.endswith("plan three-stages · by ann: a better model")


def test_the_stage_that_is_in_force_stands_in_brackets_and_those_before_tell_how_long_they_took(rollout_course, running):
    assert "[10\u00a0%] ─ 50\u00a0% ─ bake at 95\u00a0% ─ live" in text(running)
    second = next(s for s in rollout_course if s.rollout.stage == 2 and s.rollout.windows >= 20)
    took = wording.duration(second.report["stages"][0]["seconds"])
    assert f"10\u00a0% {took} ─ [50\u00a0%] ─ bake at 95\u00a0% ─ live" in text(second)
    assert "[" not in next(line for line in drawn(rollout_course[-1], 140) if "─ live" in line)


def test_shares_and_labels_are_those_of_the_overview(running):
    shown = text(running)
    for version in running.overview.versions:
        row = next(line for line in shown.splitlines() if line.startswith(f"{version.version} "))
        assert f"{version.share:.2%}" in row
        assert f"{version.desired_share:.2%}" in row
        assert all(label in row for label in version.labels)


def test_evidence_figures_and_counts_are_those_of_the_report(running):
    shown = text(running, 200)
    evidence = running.report["evidence"]
    for name, metric in evidence["metrics"].items():
        row = next(line for line in shown.splitlines() if line.startswith(name))
        assert wording.evidence(metric["e_value"]) in row
        assert f"{metric['weight']:.0%}" in row
    for track, counts in running.report["tracks"].items():
        row = next(line for line in shown.splitlines() if line.startswith(track))
        for figure in (wording.integer(counts["requests"]), wording.milliseconds(counts["p99_ms"])):
            assert figure in row
    for gate in evidence["gates"].values():
        assert gate["sentence"][:60] in shown
    for reason in running.rollout.reasons[:2]:
        assert reason[:60] in shown


def test_at_the_end_it_tells_that_and_why_it_was_turned_back(rollout_course):
    last = rollout_course[-1]
    shown = text(last)
    assert "rolled back" in shown
    assert last.rollout.reason.split(". ")[0][:60] in shown
    assert "may be ordered" not in shown


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal_at_any_moment(rollout_course, width):
    for snapshot in rollout_course:
        assert max(map(len, drawn(snapshot, width))) <= width


@pytest.mark.parametrize("height", [10, 24, 40, 100])
def test_it_is_never_higher_than_the_terminal_and_says_what_has_no_room(rollout_course, height):
    for snapshot in rollout_course:
        lines = drawn(snapshot, 80, height)
        shown = [line for line in lines if line.strip()]
        assert len(lines) <= max(height, 10)
        assert shown[0].startswith("taxi version 2")
        if height == 10 and snapshot.report["windows"]:
            assert shown[-1].startswith("no room for: ")
            assert "events" in shown[-1]


def test_the_header_alone_stays_where_there_is_room_for_nothing_else(running):
    lines = drawn(running, 80, 5)
    assert lines[0].startswith("taxi version 2")


def test_a_deadline_a_question_and_an_order_that_waits_are_told(running):
    order = {"rollout": "r", "number": 1, "kind": "promote", "by": "ben", "why": "so", "at": 0.0, "taken": False}
    waiting = running.rollout.model_copy(
        update={"phase": "holding", "deadline": running.now + 90, "asked": ["predictions"], "orders": []}
    )
    shown = text(replace(running, rollout=waiting))
    assert "Without a word it does this in 1 min 30 s: rollback" in shown
    assert "A person is asked about: predictions" in shown
    ordered = type(running.rollout).model_validate({**running.rollout.model_dump(), "orders": [order]})
    assert "ordered by ben, not taken up yet: promote" in text(replace(running, rollout=ordered))
    assert "is away" in text(replace(running, notice="The API is away."))


def test_colours_are_the_consoles_to_show_or_not(running):
    console = Console(width=100, force_terminal=True, color_system="truecolor")
    with console.capture() as coloured:
        console.print(rollout_view(running, 100))
    assert "\x1b[" in coloured.get()
    console = Console(width=100, force_terminal=False)
    with console.capture() as plain:
        console.print(rollout_view(running, 100))
    assert "\x1b" not in plain.get()
