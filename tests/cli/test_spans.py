from __future__ import annotations

import time

import click
import pytest

from tfx_rollout.cli.spans import Moment, Span, seconds_in


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15m", 900), ("1h30m", 5400), ("0.5d", 43_200), ("7s", 7), ("", None), ("15", None), ("m", None), ("1h x", None)],
)
def test_spans_are_read_in_units(text, seconds):
    assert seconds_in(text) == seconds


def test_a_moment_is_so_long_ago_a_date_or_seconds():
    assert Moment().convert("15m", None, None) == pytest.approx(time.time() - 900, abs=5)
    assert Moment().convert("1700000000", None, None) == 1_700_000_000
    assert Moment().convert("2026-11-22T10:00:00Z", None, None) == Moment().convert("2026-11-22T11:00:00+01:00", None, None)
    assert (Span().convert("2m", None, None), Span().convert("30", None, None)) == (120, 30)


@pytest.mark.parametrize("kind", [Moment(), Span()])
def test_what_is_none_is_refused_with_an_example(kind):
    with pytest.raises(click.BadParameter, match="write for example"):
        kind.convert("yesterday", None, None)
