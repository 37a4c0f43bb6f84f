from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfx_rollout.evidence.histogram import upper_us
from tfx_rollout.rollout import Plan, load_plan, plan_from_dict
from tfx_rollout.rollout.judge import BEFORE, WindowBatch
from tfx_rollout.rollout.simulation import SCENARIOS, Behaviour, Incident, Scenario, Slowdown, Stalls, Traffic

DEFAULT = load_plan("default")
RUNS = 200
QUARTER = 2
"""The stage of the default plan with 25 % of the traffic."""


def windows(scenario: Scenario, plan: Plan = DEFAULT, *, stage: int = QUARTER, many: int = 20, runs: int = RUNS, seed: int = 5):
    traffic = Traffic(scenario, plan, rps=50, runs=runs, most_seconds=3600, rng=np.random.default_rng(seed))
    return [traffic.window(np.full(runs, stage)) for _ in range(many)]


def total(batches: list[WindowBatch], name: str) -> np.ndarray:
    """Summed over windows and runs: an entry or more for each track."""
    return sum(getattr(batch, name).sum(axis=0) for batch in batches)


def quantile_ms(latency: np.ndarray, q: float) -> float:
    return upper_us(int(np.searchsorted(np.cumsum(latency), q * latency.sum()))) / 1000


def test_requests_failures_and_classes_come_as_often_as_the_scenario_says():
    scenario = Scenario("x", "", Behaviour(0.02), Behaviour(0.10, classes=(0.7, 0.3)), labels=SCENARIOS["null"].labels)
    scenario = replace(scenario, stable=replace(scenario.stable, classes=(0.5, 0.5)))
    found = windows(scenario)
    requests, failures, predictions = (total(found, name) for name in ("requests", "failures", "predictions"))
    assert requests.sum() / (20 * RUNS * 10) == pytest.approx(50, rel=0.01)
    assert requests[0] / requests.sum() == pytest.approx(0.25, abs=0.002)
    assert failures / requests == pytest.approx([0.10, 0.02], rel=0.03)
    assert (predictions.sum(axis=1) == requests - failures).all()
    assert predictions[:, 0] / predictions.sum(axis=1) == pytest.approx([0.7, 0.5], abs=0.005)


def test_the_counts_of_a_run_scatter_as_independent_requests_do():
    found = windows(SCENARIOS["null"], many=30)
    requests = np.concatenate([batch.requests for batch in found]).astype(float)
    assert requests.var(axis=0) / requests.mean(axis=0) == pytest.approx([1, 1], abs=0.06)
    assert abs(np.corrcoef(requests.T)[0, 1]) < 0.05


def test_latencies_are_those_of_each_version_and_spaced():
    scenario = SCENARIOS["latency-x1.5"]
    found = windows(scenario)
    latency = total(found, "latency")
    assert [quantile_ms(counts, 0.5) for counts in latency] == pytest.approx([7.5, 5.0], rel=0.06)
    slots = DEFAULT.window_seconds / 0.1
    assert all(batch.latency.sum(axis=2).max() <= slots for batch in found)
    expected = slots * (1 - np.exp(-50 * 0.1 * np.array([0.25, 0.75])))
    assert latency.sum(axis=1) / (20 * RUNS) == pytest.approx(expected, rel=0.01)


def test_without_spacing_all_answers_are_timed():
    plan = replace(DEFAULT, latency=replace(DEFAULT.latency, spacing_ms=0.0))
    found = windows(SCENARIOS["null"], plan, many=3)
    assert (total(found, "latency").sum(axis=1) == total(found, "requests")).all()


def test_the_same_seed_gives_the_same_windows_and_another_seed_others():
    one, again, other = (windows(SCENARIOS["null"], many=2, seed=seed)[-1] for seed in (1, 1, 2))
    assert (one.latency == again.latency).all()
    assert (one.labels == again.labels).all()
    assert (one.requests != other.requests).any()


def test_before_the_first_stage_the_candidate_gets_nothing():
    found = windows(SCENARIOS["errors-50pct"], stage=BEFORE, many=2)
    assert total(found, "requests")[0] == 0
    assert total(found, "requests")[1] > 0
    assert all((batch.share == 0).all() for batch in found)


def test_trouble_under_load_does_not_show_below_its_share():
    below, above = (total(windows(SCENARIOS["errors-under-load"], stage=stage), "failures") for stage in (1, QUARTER))
    requests = total(windows(SCENARIOS["errors-under-load"], stage=1), "requests")
    assert below[0] / requests[0] == pytest.approx(0.005, rel=0.3)
    assert above[0] / above[1] == pytest.approx(5 * 0.25 / 0.75, rel=0.1)


def test_an_incident_and_a_slowdown_hit_both_versions():
    hit = Scenario("x", "", incident=Incident(factor=10, lasts=100, earliest=0, latest=0.001), slowdown=Slowdown(2.0, 100))
    found = windows(hit, many=30)
    during, after = (total(batches, "failures") / total(batches, "requests") for batches in (found[:10], found[10:]))
    assert during == pytest.approx([0.05, 0.05], rel=0.15)
    assert after == pytest.approx([0.005, 0.005], rel=0.25)
    slow = total(found[10:], "latency")
    assert [quantile_ms(counts, 0.5) for counts in slow] == pytest.approx([10, 10], rel=0.06)


def test_a_stall_delays_what_comes_in_meanwhile():
    plain, stalled = (
        total(windows(Scenario("x", "", stalls=stalls), many=5), "latency")[1] for stalls in (None, Stalls(2.0, 0.2))
    )
    bucket = 200
    slow = [counts[bucket:].sum() / counts.sum() for counts in (plain, stalled)]
    assert slow[0] < 1e-3
    # A tenth of the time the server stands still; of an exponential rest of 200 ms in the mean, some is longer than the bucket.
    assert slow[1] == pytest.approx(0.1 * np.exp(-upper_us(bucket) / 200_000), rel=0.15)


def test_a_shadow_gets_copies_and_labelled_pairs_instead_of_strata():
    plan = plan_from_dict(
        {"stages": [{"kind": "shadow", "mirror": 0.5}, {"share": 0.5}], "accuracy": {"ages": [60, 300]}, "window_seconds": 10}
    )
    found = windows(SCENARIOS["accuracy-10pt"], plan, stage=0, many=40)
    requests = total(found, "requests")
    assert requests[0] / requests[1] == pytest.approx(0.5, rel=0.02)
    assert requests[1] / (40 * RUNS * 10) == pytest.approx(50, rel=0.01)
    assert not total(found, "labels").any()
    worse, same, better = total(found, "pairs")
    assert (worse - better) / (worse + same + better) == pytest.approx(0.10, abs=0.01)


def test_the_runs_that_are_kept_go_on_with_their_own_labels():
    def labels(keep: bool) -> np.ndarray:
        traffic = Traffic(SCENARIOS["null"], DEFAULT, rps=50, runs=4, most_seconds=3600, rng=np.random.default_rng(3))
        traffic.window(np.full(4, QUARTER))
        chosen = np.array([False, True, False, True])
        if keep:
            traffic.keep(chosen)
        stages = np.full(2 if keep else 4, QUARTER)
        for _ in range(6):
            batch = traffic.window(stages)
        # Six windows later the labels of the first window fall due, which were drawn before runs were left out.
        return batch.labels[:, 0] if keep else batch.labels[chosen][:, 0]

    assert (labels(keep=True) == labels(keep=False)).all()
