"""How far rollouts and A/B tests are, as Prometheus' metrics. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from tfx_rollout.metrics.progress import ExperimentFigures, ExperimentProgress, RolloutFigures, RolloutProgress


class ProgressFamilies:
    """Collects the metrics of the rollouts and A/B tests of models."""

    def __init__(self) -> None:
        self._phase = GaugeMetricFamily(
            "tfx_rollout_rollout_phase",
            "1 for the phase that a rollout is in; rollouts that ended have none.",
            labels=["model", "rollout", "version", "phase"],
        )
        self._phase_start = GaugeMetricFamily(
            "tfx_rollout_rollout_phase_start_timestamp_seconds", "When its phase began.", labels=["model", "rollout"]
        )
        self._deadline = GaugeMetricFamily(
            "tfx_rollout_rollout_deadline_timestamp_seconds",
            "When a rollout that holds its last share ends by its plan, unless somebody decides.",
            labels=["model", "rollout"],
        )
        self._stage = GaugeMetricFamily(
            "tfx_rollout_rollout_stage", "The stage it is in, counted from 1; 0 before the first.", labels=["model", "rollout"]
        )
        self._stages = GaugeMetricFamily(
            "tfx_rollout_rollout_stages", "How many stages its plan has.", labels=["model", "rollout"]
        )
        self._evidence = GaugeMetricFamily(
            "tfx_rollout_rollout_evidence",
            "The e-value against the candidate by metric; all: of all metrics together, which decides.",
            labels=["model", "rollout", "metric"],
        )
        self._threshold = GaugeMetricFamily(
            "tfx_rollout_rollout_evidence_threshold", "The e-value that rolls back.", labels=["model", "rollout"]
        )
        self._ended = CounterMetricFamily(
            "tfx_rollout_rollouts_ended", "Rollouts that ended, by outcome, since the model's first.", labels=["model", "outcome"]
        )
        arm = ["model", "experiment", "track", "version"]
        self._experiment_phase = GaugeMetricFamily(
            "tfx_rollout_experiment_phase", "1 for the phase that an A/B test is in.", labels=["model", "experiment", "phase"]
        )
        self._experiment_end = GaugeMetricFamily(
            "tfx_rollout_experiment_end_timestamp_seconds", "When it ends without a decision.", labels=["model", "experiment"]
        )
        self._users = GaugeMetricFamily("tfx_rollout_experiment_users", "Users of each arm.", labels=arm)
        self._outcomes = GaugeMetricFamily(
            "tfx_rollout_experiment_outcomes", "Users of each arm whose outcome is known and counts.", labels=arm
        )
        self._value = GaugeMetricFamily(
            "tfx_rollout_experiment_metric_value", "The test's metric by arm: the share of a yes, or the mean.", labels=arm
        )
        self._experiment_evidence = GaugeMetricFamily(
            "tfx_rollout_experiment_evidence",
            "The e-value for a claim about an arm against the first one: better, worse, harm.",
            labels=[*arm, "claim"],
        )
        self._experiment_threshold = GaugeMetricFamily(
            "tfx_rollout_experiment_evidence_threshold", "The e-value that decides.", labels=["model", "experiment", "claim"]
        )
        self._experiments_ended = CounterMetricFamily(
            "tfx_rollout_experiments_ended",
            "A/B tests that ended, by outcome, since the model's first.",
            labels=["model", "outcome"],
        )

    def add(self, model: str, rollouts: RolloutProgress, experiments: ExperimentProgress) -> None:
        """Takes in one model."""
        for rollout in rollouts.running:
            self._add_rollout(model, rollout)
        for outcome, count in rollouts.ended.items():
            self._ended.add_metric([model, outcome], count)
        for experiment in experiments.running:
            self._add_experiment(model, experiment)
        for outcome, count in experiments.ended.items():
            self._experiments_ended.add_metric([model, outcome], count)

    def families(self) -> Iterator[Metric]:
        """All of them, each once."""
        yield from (self._phase, self._phase_start, self._deadline, self._stage, self._stages)
        yield from (self._evidence, self._threshold, self._ended)
        yield from (self._experiment_phase, self._experiment_end, self._users, self._outcomes, self._value)
        yield from (self._experiment_evidence, self._experiment_threshold, self._experiments_ended)

    def _add_rollout(self, model: str, figures: RolloutFigures) -> None:
        names = [model, figures.rollout]
        self._phase.add_metric([*names, str(figures.version), figures.phase], 1)
        self._phase_start.add_metric(names, figures.phase_since)
        self._stage.add_metric(names, figures.stage)
        self._stages.add_metric(names, figures.stages)
        self._threshold.add_metric(names, figures.threshold)
        for metric, value in figures.evidence.items():
            self._evidence.add_metric([*names, metric], value)
        if figures.deadline is not None:
            self._deadline.add_metric(names, figures.deadline)

    def _add_experiment(self, model: str, figures: ExperimentFigures) -> None:
        names = [model, figures.experiment]
        self._experiment_phase.add_metric([*names, figures.phase], 1)
        self._experiment_end.add_metric(names, figures.ends_at)
        for claim, threshold in figures.thresholds.items():
            self._experiment_threshold.add_metric([*names, claim], threshold)
        for arm in figures.arms:
            labels = [*names, str(arm.track), str(arm.version)]
            self._users.add_metric(labels, arm.users)
            self._outcomes.add_metric(labels, arm.outcomes)
            if arm.value is not None:
                self._value.add_metric(labels, arm.value)
            for claim, value in arm.evidence.items():
                self._experiment_evidence.add_metric([*labels, claim], value)
