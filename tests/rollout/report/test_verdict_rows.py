"""Verdicts put together, and how many of them are kept."""

from __future__ import annotations

from tfx_rollout.evidence import Window
from tfx_rollout.rollout import Call, Verdict
from tfx_rollout.rollout.report.verdicts import MOST_ROWS, bounded, verdict_rows
from tfx_rollout.traffic import Split

STAGES = [{"stage": 0, "window": 0}, {"stage": 1, "window": 3}]


def windows(count: int) -> list[Window]:
    return [Window(n, 10.0 * n, 10.0 * n + 10, Split.of(0.1)) for n in range(1, count + 1)]


def test_a_line_ends_where_the_call_or_the_stage_changes():
    calls = [Call.HOLD, Call.HOLD, Call.ADVANCE, Call.HOLD, Call.HOLD]
    verdicts = {n: Verdict(call, (f"Reason {n}.",), n, 20.0) for n, call in enumerate(calls, 1)}
    rows = verdict_rows(windows(5), verdicts, STAGES)
    assert [(row["stage"], row["call"], row["from_window"], row["to_window"]) for row in rows] == [
        (1, "hold", 1, 2),
        (1, "advance", 3, 3),
        (2, "hold", 4, 5),
    ]
    assert rows[0]["reasons"] == ["Reason 2."]
    assert (rows[0]["start"], rows[0]["end"], rows[0]["e_value"]) == (10.0, 30.0, 2)


def test_a_verdict_that_flaps_keeps_its_first_and_last_lines():
    verdicts = {n: Verdict(Call.PASS if n % 2 else Call.HOLD, (), 0.1, 20.0) for n in range(1, 1001)}
    kept, left_out = bounded(verdict_rows(windows(1000), verdicts, STAGES))
    assert (len(kept), left_out) == (MOST_ROWS, 1000 - MOST_ROWS)
    assert (kept[0]["from_window"], kept[-1]["to_window"]) == (1, 1000)
