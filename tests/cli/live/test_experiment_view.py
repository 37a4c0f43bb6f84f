"""What the view of an A/B test shows, of every moment of a real course."""

from __future__ import annotations

import pytest
from rich.console import Console

from tfx_rollout.cli.live.experiment_view import experiment_view
from tfx_rollout.rollout.report import wording


def drawn(snapshot, width: int, height: int | None = None) -> list[str]:
    console = Console(width=width, height=height, force_terminal=False)
    lines = console.render_lines(experiment_view(snapshot, width), console.options.update(height=height), pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


def test_arms_and_evidence_are_those_of_the_report(experiment_course):
    last = experiment_course[-1]
    lines = drawn(last, 160)
    for arm in last.report["arms"]:
        row = next(line for line in lines if line.startswith(f"{arm['track']} "))
        for figure in (str(arm["version"]), wording.integer(arm["users"]), wording.integer(arm["outcomes"]), arm["state"]):
            assert figure in row
    (variant,) = (arm for arm in last.report["arms"] if arm["state"] != "control")
    row = next(line for line in lines if line.startswith("variant-b") and " better " in line)
    assert wording.evidence(variant["evidence_better"]) in row
    for line in (f"taxi: A/B test ranking · {last.experiment.id}", *(f"· {reason}" for reason in last.report["reasons"][:1])):
        assert any(shown.startswith(line[:70]) for shown in lines), line


def test_the_header_says_the_metric_the_header_and_when_it_ends(experiment_course):
    shown = "\n".join(drawn(experiment_course[2], 120))
    assert "judged by conversion, higher is better; users told apart by x-user-id" in shown
    assert "ends without a decision in" in shown


@pytest.mark.parametrize("width", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal_at_any_moment(experiment_course, width):
    for snapshot in experiment_course:
        assert max(map(len, drawn(snapshot, width))) <= width


@pytest.mark.parametrize("height", [12, 24])
def test_it_is_never_higher_than_the_terminal(experiment_course, height):
    for snapshot in experiment_course:
        lines = drawn(snapshot, 80, height)
        assert len(lines) <= height
        assert lines[0].startswith("taxi: A/B test ranking")
