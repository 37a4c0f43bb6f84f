"""One rollout alone, one among many, one that was killed and read back: the same bits."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.evidence import LatencyHistogram, TrackCounts, Window
from tfx_rollout.evidence.window import LabelCounts, MissingLabels, PairCounts
from tfx_rollout.rollout import JudgeState, Verdict, begin, judge, open_stage, plan_from_dict
from tfx_rollout.rollout.judge import WindowBatch, assess, begin_many, calls, fold, open_stages
from tfx_rollout.rollout.judge.ledger import ARRAYS, LATENCY_BUCKETS
from tfx_rollout.rollout.plan import Limits
from tfx_rollout.traffic import Split, Track

STAGES = [{"share": 0.1, "max_seconds": 900}, {"share": 0.5, "max_seconds": 900}]
NO_SETTLING = {"latency": {"settle_seconds": 0}}
SHADOW = {"kind": "shadow", "mirror": 0.2}
PLANS = (
    plan_from_dict({"stages": STAGES, **NO_SETTLING}),
    replace(plan_from_dict({"stages": STAGES, **NO_SETTLING}), limits=Limits(0.02, 5.0, 10.0)),
    plan_from_dict({"stages": [SHADOW, STAGES[0], {"kind": "bake"}], **NO_SETTLING}),
    plan_from_dict({"stages": STAGES, "predictions": {"weight": 0}, "accuracy": {"weight": 0}}),
    plan_from_dict({"stages": STAGES, "errors": {"weight": 0}, "latency": {"weight": 0}, "accuracy": {"required": True}}),
)
CLASSES = ("a", "b", "c")
SPLITS = (Split(), *(Split.of(stage["share"]) for stage in STAGES))

small, large = st.integers(0, 8), st.integers(0, 400)


@st.composite
def tracks(draw, most=400) -> TrackCounts:
    units = draw(st.integers(0, most))
    failures = draw(st.integers(0, min(units, 9)))
    hits = [draw(st.integers(0, most)) for _ in range(len(CLASSES))]
    rare = {f"rare {i}": 1 for i in range(draw(small))}
    latency = draw(st.dictionaries(st.integers(0, LATENCY_BUCKETS + 40), st.integers(1, most), max_size=5))
    return TrackCounts(
        requests=units + draw(small),
        failures=failures,
        units=units,
        unit_failures=failures,
        unit_latency=LatencyHistogram(latency),
        predictions={name: n for name, n in zip(CLASSES, hits, strict=True) if n} | rare,
    )


@st.composite
def tables(draw, kind):
    canary, stable = draw(st.integers(0, 60)), draw(st.integers(0, 300))
    return kind(draw(st.integers(0, canary)), canary, draw(st.integers(0, stable)), stable)


@st.composite
def rollouts(draw, windows: int) -> list[Window]:
    found = []
    for number in range(windows):
        # All classes are seen at once, so that the bins are these three and the rest, as they are in a batch.
        first = TrackCounts(predictions=dict.fromkeys(CLASSES, 100))
        stable = first if number == 0 else draw(tracks())
        counts = {Track.CANARY: draw(tracks(60)), Track.SHADOW: draw(tracks(60)), Track.STABLE: stable}
        labels = draw(st.lists(tables(partial(LabelCounts, number, 0)), max_size=3))
        missing = draw(st.lists(tables(partial(MissingLabels, number)), max_size=1))
        pairs = PairCounts(draw(small), draw(small), draw(small))
        split = draw(st.sampled_from(SPLITS))
        labelled = {"labels": tuple(labels), "missing_labels": tuple(missing), "pairs": pairs}
        found.append(Window(number, 10.0 * number, 10.0 * number + 10, split, counts, **labelled))
    return found


def batch_of(parts: list[WindowBatch]) -> WindowBatch:
    """Batches of one side by side; strata are padded with rows of zeros, as they are in a simulation."""
    arrays = {}
    for name in (field.name for field in fields(WindowBatch) if field.name not in ("number", "start", "end")):
        values = [getattr(part, name) for part in parts]
        if name in ("labels", "missing"):
            most = max(value.shape[1] for value in values)
            values = [np.concatenate([value, np.zeros((1, most - value.shape[1], 4), np.int64)], axis=1) for value in values]
        arrays[name] = np.concatenate(values)
    return replace(parts[0], **arrays)


def same_bits(one, other) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ARRAYS)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_run_has_the_same_bits_alone_and_among_others_in_any_order(data):
    plan = data.draw(st.sampled_from(PLANS))
    runs, length = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 6))
    rollouts_of = [data.draw(rollouts(length)) for _ in range(runs)]
    opens_at = [data.draw(st.integers(0, length)) for _ in range(runs)]
    drops_at = data.draw(st.integers(1, length))
    order = data.draw(st.permutations(range(runs)))

    states = [begin(plan) for _ in range(runs)]
    ledger, rows = begin_many(plan, runs), list(range(runs))
    for number in range(length):
        at = 10.0 * number
        # The first stage opens with the first window but one, so that there is one before it.
        opening = [number == 1 or (number > 1 and number == opens_at[row]) for row in rows]
        ledger = open_stages(plan, ledger, opening, at=at)
        for row, opens in zip(rows, opening, strict=True):
            states[row] = open_stage(plan, states[row], states[row].stage + 1, at=at) if opens else states[row]
        alone = []
        for row in rows:
            window = rollouts_of[row][number]
            bins = states[row].bins.after(window.counts(Track.STABLE).predictions)
            track = Track.CANARY if states[row].stage < 0 else plan.stages[states[row].stage].track
            alone.append(WindowBatch.of(window, track, bins))
        ledger = fold(plan, ledger, batch_of(alone))
        made = calls(plan, ledger)
        for i, row in enumerate(rows):
            states[row], _ = judge(plan, states[row], rollouts_of[row][number])
            assert same_bits(ledger.keep([i]), states[row].ledger)
            one = calls(plan, states[row].ledger)
            assert (one.call[0], one.log_evidence[0], one.leading[0]) == (made.call[i], made.log_evidence[i], made.leading[i])
            assert one.gates.passed[0].tolist() == made.gates.passed[i].tolist()
        if number == drops_at:
            kept = [i for i in order if i < len(rows)][: max(1, len(rows) - 1)]
            ledger, rows = ledger.keep(kept), [rows[i] for i in kept]


def test_runs_that_have_seen_a_window_already_stay_as_they_are_beside_those_that_have_not(window):
    plan = PLANS[0]
    state = open_stage(plan, begin(plan), 0, at=0.0)
    parts = [WindowBatch.of(window(number), Track.CANARY, state.bins) for number in range(3)]
    ahead = fold(plan, fold(plan, state.ledger, parts[0]), parts[2])
    behind = fold(plan, state.ledger, parts[0])
    ledger = replace(ahead, **{name: np.concatenate([getattr(ahead, name), getattr(behind, name)]) for name in ARRAYS})
    folded = fold(plan, ledger, replace(batch_of([parts[1], parts[1]]), number=1))
    assert same_bits(folded.keep([0]), ahead)
    assert same_bits(folded.keep([1]), fold(plan, behind, parts[1]))


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_judge_killed_after_any_window_goes_on_with_the_same_bits(data):
    plan = data.draw(st.sampled_from(PLANS))
    windows = data.draw(rollouts(data.draw(st.integers(2, 6))))
    opens_second = data.draw(st.integers(1, len(windows)))
    undisturbed = resumed = open_stage(plan, begin(plan), 0, at=0.0)
    for i, one in enumerate(windows):
        if i == opens_second:
            undisturbed, resumed = (open_stage(plan, s, 1, at=one.start) for s in (undisturbed, resumed))
        undisturbed, verdict = judge(plan, undisturbed, one)
        resumed = JudgeState.from_json(json.loads(json.dumps(resumed.to_json(), allow_nan=False)))
        again = Window.from_json(json.loads(json.dumps(one.to_json())))
        resumed, same = judge(plan, resumed, again)
        repeated, repeat = judge(plan, resumed, again)
        assert resumed == repeated == undisturbed
        assert json.dumps(same.to_json(), allow_nan=False) == json.dumps(verdict.to_json()) == json.dumps(repeat.to_json())
        assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
        assert assess(plan, resumed) == verdict


def test_states_that_differ_in_one_bit_are_not_equal(window):
    state = open_stage(PLANS[0], begin(PLANS[0]), 0, at=0.0)
    nudged = replace(state.ledger, logs=np.nextafter(state.ledger.logs, 1.0))
    assert replace(state, ledger=nudged) != state
    assert state != "a state"
