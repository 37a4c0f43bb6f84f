"""Records of rollouts to report on: two from the controller in a simulated world, and a very long one made of such a one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.evidence import LabelCounts, PairCounts, TrackCounts, Window
from tfx_rollout.rollout import RolloutRecord, read_rollout, send_order, start_rollout
from tfx_rollout.testing import Behaviour
from tfx_rollout.traffic import Track


@pytest.fixture(scope="session")
def ran() -> dict[str, RolloutRecord]:
    """The records that were made already: they are values, so one run serves all tests."""
    return {}


@pytest.fixture
def rolled_back(live, plan, ran) -> RolloutRecord:
    """A harmful canary, undone in the first stage; who asked for it tries to write HTML."""
    if "rolled_back" not in ran:
        live.canary(Behaviour(failures=0.2))
        rollout = start_rollout(live.base, 2, plan(), by="ann", why="</script><img src=x onerror=alert(1)> & more")
        live.run(lambda state: state.finished)
        ran["rolled_back"] = with_answers(read_rollout(live.base, rollout))
    return ran["rolled_back"]


@pytest.fixture
def promoted(live, plan, ran) -> RolloutRecord:
    """A sound canary that passed two stages and was promoted by a person."""
    if "promoted" not in ran:
        rollout = start_rollout(live.base, 2, plan(), by="ann", why="a new version")
        live.run()
        send_order(live.base, rollout, "promote", by="ben", why="all evidence is fine")
        live.run(lambda state: state.finished)
        ran["promoted"] = with_answers(read_rollout(live.base, rollout))
    return ran["promoted"]


@pytest.fixture
def long(promoted) -> RolloutRecord:
    """10,000 windows: the last one of a rollout again and again, as while it waits for a word."""
    last = promoted.windows[-1]
    more = range(last.number + 1, 10_001)
    seconds = last.end - last.start
    ends = (last.end + i * seconds for i in range(1, len(more) + 1))
    windows = [replace(last, number=n, start=end - seconds, end=end) for n, end in zip(more, ends, strict=True)]
    verdicts = dict.fromkeys(more, promoted.verdicts[last.number])
    return replace(promoted, windows=[*promoted.windows, *windows], verdicts={**promoted.verdicts, **verdicts})


def with_answers(record: RolloutRecord) -> RolloutRecord:
    """The record as if predictions had been logged, and labels had come at once."""
    return replace(record, windows=[_with_answers(window) for window in record.windows])


def _with_answers(window: Window) -> Window:
    tracks = {track: replace(counts, predictions=_predictions(track, counts)) for track, counts in window.tracks.items()}
    labels = (LabelCounts(window.number, 0, 2, 9, 3, 30),)
    return replace(window, tracks=tracks, labels=labels, pairs=PairCounts(1, 7, 2, 3, 12))


def _predictions(track: Track, counts: TrackCounts) -> dict[str, int]:
    good = counts.requests - counts.failures
    return {"tip": good // 3, "none": good - good // 3} if track is Track.STABLE else {"tip": good}
