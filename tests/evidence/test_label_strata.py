from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.evidence import LabelCounts, LabelTally, MissingLabels, PairCounts, Window
from tfx_rollout.evidence.label_strata import PastWindow, collect, due, past_windows
from tfx_rollout.traffic import Split, Track

AGES = (60.0, 300.0, 1800.0)
PAST = [PastWindow(number, 100.0 + 10 * number, 110.0 + 10 * number) for number in range(1, 30)]


def test_a_stratum_falls_due_when_no_label_can_be_added_to_it_any_more():
    window = PastWindow(4, 100, 110)
    assert due([window], AGES, after=0, until=169.9) == []
    (first,) = due([window], AGES, after=160, until=170)
    assert (first.window, first.age, first.from_age, first.to_age, first.last) == (4, 0, -math.inf, 60, False)
    (last,) = due([window], AGES, after=1900, until=1910)
    assert (last.age, last.from_age, last.to_age, last.last) == (2, 300, 1800, True)


@given(st.lists(st.floats(0, 3000), max_size=12))
def test_each_stratum_falls_due_once_however_time_is_cut(cuts):
    edges = [0.0, *sorted(cuts), 3000.0]
    found = [
        (stratum.window, stratum.age)
        for after, until in itertools.pairwise(edges)
        for stratum in due(PAST, AGES, after=after, until=until)
    ]
    assert sorted(found) == [(window.number, age) for window in PAST for age in range(len(AGES))]


@given(st.lists(st.floats(-20, 5000), max_size=20))
def test_every_label_young_enough_lies_in_one_stratum(arrivals):
    strata = due([PAST[0]], AGES, after=0, until=math.inf)
    for age in arrivals:
        holding = [stratum for stratum in strata if stratum.from_age <= age < stratum.to_age]
        assert len(holding) == (age < AGES[-1])


def test_void_windows_have_no_labels():
    windows = [Window(1, 0, 10, Split()), Window(2, 10, 20, Split(), void=True), Window(3, 20, 30, Split())]
    assert past_windows(windows) == [PastWindow(1, 0, 10), PastWindow(3, 20, 30)]


@dataclass
class Labels:
    """A `LabelSource` over labels `(track, age, wrong)` of one window, of which some requests never get one."""

    labels: list[tuple[Track, float, bool]]
    made: dict[Track, int] = field(default_factory=dict)
    gone: bool = False

    def horizon(self):
        return math.inf

    def counts(self, model, start, end, *, from_age, to_age):
        mine = [(track, wrong) for track, age, wrong in self.labels if from_age <= age < to_age]
        wrong = {track: sum(bad for t, bad in mine if t is track) for track in Track}
        labelled = {track: sum(t is track for t, _ in mine) for track in Track}
        return LabelTally(wrong, labelled, PairCounts(worse=len(mine)), gap=self.gone)

    def predicted(self, model, start, end):
        return self.made

    def disagreements(self, model, start, end):
        return PairCounts(disagreed=2, pairs=9)


MADE = {Track.CANARY: 10, Track.STABLE: 90}
CAME = [(Track.CANARY, 5.0, True), (Track.STABLE, 5.0, False), (Track.STABLE, -1.0, True), (Track.STABLE, 200.0, False)]


def strata(after, until):
    return due([PastWindow(7, 100, 110)], AGES, after=after, until=until)


def test_a_stratum_counts_the_wrong_among_the_labelled_of_both_tracks():
    labels, missing, pairs = collect(Labels(CAME, MADE), "taxi", strata(0, 180))
    assert labels == (LabelCounts(7, 0, canary_wrong=1, canary=1, stable_wrong=1, stable=2),)
    assert missing == ()
    assert pairs == PairCounts(worse=3, disagreed=2, pairs=9)


def test_the_last_stratum_tells_how_many_labels_never_came():
    labels, missing, pairs = collect(Labels(CAME, MADE), "taxi", strata(500, 3000))
    assert labels == ()
    assert missing == (MissingLabels(7, canary_missing=9, canary=10, stable_missing=87, stable=90),)
    assert pairs == PairCounts()


def test_all_strata_together_have_every_label_once():
    labels, _, pairs = collect(Labels(CAME, MADE), "taxi", strata(0, 3000))
    assert sum(counts.canary + counts.stable for counts in labels) == len(CAME)
    assert pairs == PairCounts(worse=len(CAME), disagreed=2, pairs=9)


def test_what_the_source_cannot_vouch_for_is_left_out():
    assert collect(Labels(CAME, MADE, gone=True), "taxi", strata(0, 3000)) == ((), (), PairCounts())


def test_where_nothing_was_predicted_nothing_is_missing():
    assert collect(Labels([], {}), "taxi", strata(500, 3000)) == ((), (), PairCounts())
